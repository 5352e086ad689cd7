// SPDX-License-Identifier: Apache-2.0
#include "modules/bus/bus.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#define SYSTEMD "org.freedesktop.systemd1"

enum { CALL_TIMEOUT_US = 5000000 };

// Gives the property as a string; empty when the unit has none of that name.
static void take_property(sd_bus *bus, const char *path, const char *interface, const char *name,
	bus_take *take, void *context)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	char *value = NULL;

	if (sd_bus_get_property_string(bus, SYSTEMD, path, interface, name, &error, &value) < 0)
		value = NULL;
	take(context, value ? value : "");
	free(value);
	sd_bus_error_free(&error);
}

static void take_properties(
	sd_bus *bus, const char *unit, const char *path, bus_take *take, void *context)
{
	static const char *const properties[] = { "FragmentPath", "SourcePath", "UnitFileState" };
	const char *suffix = strrchr(unit, '.');

	for (size_t i = 0; i < sizeof(properties) / sizeof(properties[0]); i++)
		take_property(bus, path, SYSTEMD ".Unit", properties[i], take, context);
	if (suffix && strcmp(suffix, ".service") == 0)
		take_property(bus, path, SYSTEMD ".Service", "User", take, context);
	else
		take(context, "");
}

// 1 when there was one more unit, 0 at the end, or a negative errno.
static int take_unit(sd_bus *bus, sd_bus_message *reply, bus_take *take, void *context)
{
	const char *texts[UNIT_OBJECT_PATH + 1], *job_type, *job_path;
	char number[16];
	uint32_t job;
	int r = sd_bus_message_read(reply, "(ssssssouso)", &texts[0], &texts[1], &texts[2],
		&texts[3], &texts[4], &texts[5], &texts[6], &job, &job_type, &job_path);

	if (r <= 0)
		return r;
	for (int i = 0; i <= UNIT_OBJECT_PATH; i++)
		take(context, texts[i]);
	(void) snprintf(number, sizeof(number), "%" PRIu32, job);
	take(context, number);
	take(context, job_type);
	take(context, job_path);
	take_properties(bus, texts[UNIT_NAME], texts[UNIT_OBJECT_PATH], take, context);
	return 1;
}

static int list(sd_bus *bus, sd_bus_error *error, bus_take *take, void *context)
{
	sd_bus_message *reply = NULL;
	int r = sd_bus_call_method(bus, SYSTEMD, "/org/freedesktop/systemd1", SYSTEMD ".Manager",
		"ListUnits", error, &reply, NULL);

	if (r >= 0)
		r = sd_bus_message_enter_container(reply, 'a', "(ssssssouso)");
	if (r >= 0)
		do {
			r = take_unit(bus, reply, take, context);
		} while (r > 0);
	sd_bus_message_unref(reply);
	return r;
}

static int give_units(bus_take *take, void *context, char *reason, size_t reason_size)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus *bus = NULL;
	int r = sd_bus_open_system(&bus);

	if (r >= 0)
		r = sd_bus_set_method_call_timeout(bus, CALL_TIMEOUT_US);
	if (r >= 0)
		r = list(bus, &error, take, context);
	if (r < 0)
		(void) snprintf(
			reason, reason_size, "%s", error.message ? error.message : strerror(-r));
	sd_bus_error_free(&error);
	sd_bus_flush_close_unref(bus);
	return r < 0 ? r : 0;
}

__attribute__((visibility("default"))) extern const struct bus_library module_bus;
const struct bus_library module_bus = { .units = give_units };
