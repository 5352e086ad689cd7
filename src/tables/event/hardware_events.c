// SPDX-License-Identifier: Apache-2.0
// Devices that came, went or changed.
#include <string.h>

#include "tables/event/fields.h"
#include "tables/event/stored.h"

enum {
	ACTION,
	PATH,
	TYPE,
	DRIVER,
	VENDOR,
	VENDOR_ID,
	MODEL,
	MODEL_ID,
	SERIAL,
	REVISION,
	TIME,
	EID
};

static const struct column columns[] = {
	[ACTION] = { "action", TEXT, "What happened: add, remove, change, bind or another." },
	[PATH] = { "path", TEXT, "Its file below /dev." },
	[TYPE] = { "type", TEXT, "Type of the device, such as disk or usb_device." },
	[DRIVER] = { "driver", TEXT, "Driver that serves it." },
	[VENDOR] = { "vendor", TEXT, "Name of the vendor." },
	[VENDOR_ID] = { "vendor_id", TEXT, "Number of the vendor, hexadecimal.", NOCASE },
	[MODEL] = { "model", TEXT, "Name of the model." },
	[MODEL_ID] = { "model_id", TEXT, "Number of the model, hexadecimal.", NOCASE },
	[SERIAL] = { "serial", TEXT, "Serial number." },
	[REVISION] = { "revision", TEXT, "Revision." },
	[TIME] = STORED_TIME,
	[EID] = STORED_EID,
};

static uint32_t wanted(const struct flags *flags)
{
	(void) flags;
	return EVENT_BIT(EVENT_DEVICE);
}

static bool is_set(const char *value)
{
	return value && *value;
}

static const char *either(const struct event *event, const char *name, const char *other)
{
	const char *value = record_field(event, name);

	return is_set(value) ? value : record_field(event, other);
}

static void hear(struct event_writer *writer, const struct event_table_context *context,
	const struct event *event)
{
	const char *type = record_field(event, "DEVTYPE");
	const char *path = record_field(event, "devnode");
	const char *driver = record_field(event, "driver");
	const char *model = either(event, "ID_MODEL_FROM_DATABASE", "ID_MODEL");

	if (!is_set(type) || !(is_set(path) || is_set(driver)) || !(is_set(path) || is_set(model)))
		return;
	// upstream looks for the type in the flag's text as a whole
	if (strstr(flags_string(context->flags, "hardware_disabled_types"), type))
		return;
	record_begin(writer, event);
	record_text(writer, ACTION, event, "ACTION");
	event_row_string(writer, PATH, path);
	event_row_string(writer, TYPE, type);
	event_row_string(writer, DRIVER, driver);
	event_row_string(writer, VENDOR, either(event, "ID_VENDOR_FROM_DATABASE", "ID_VENDOR"));
	record_text(writer, VENDOR_ID, event, "ID_VENDOR_ID");
	event_row_string(writer, MODEL, model);
	record_text(writer, MODEL_ID, event, "ID_MODEL_ID");
	record_text(writer, SERIAL, event, "ID_SERIAL_SHORT");
	record_text(writer, REVISION, event, "ID_REVISION");
}

static const struct event_table listening = {
	.source = "udev",
	.kinds = EVENT_BIT(EVENT_DEVICE),
	.wanted = wanted,
	.hear = hear,
};

const struct table table_hardware_events = {
	.name = "hardware_events",
	.about = "Devices that came, went or changed, as it happens.",
	COLUMNS(columns),
	EXAMPLES("SELECT time, action, path, vendor, model, serial FROM hardware_events"),
	STORED_ROWS,
	.event = &listening,
};
