// SPDX-License-Identifier: Apache-2.0
// Processors as the firmware describes them: SMBIOS structures of type 4 (DMTF DSP0134, 7.5).
#include <errno.h>
#include <inttypes.h>

#include "host/smbios.h"
#include "sql/table.h"

enum {
	DEVICE_ID,
	MODEL,
	MANUFACTURER,
	PROCESSOR_TYPE,
	CPU_STATUS,
	NUMBER_OF_CORES,
	LOGICAL_PROCESSORS,
	ADDRESS_WIDTH,
	CURRENT_CLOCK_SPEED,
	MAX_CLOCK_SPEED,
	SOCKET_DESIGNATION
};

static const struct column columns[] = {
	[DEVICE_ID] = { "device_id", TEXT, "Its kind and number, such as CPU0." },
	[MODEL] = { "model", TEXT, "Name of the processor." },
	[MANUFACTURER] = { "manufacturer", TEXT, "Who made it." },
	[PROCESSOR_TYPE] = { "processor_type", TEXT, "3 central, 4 math, 5 signal, 6 video." },
	[CPU_STATUS] = { "cpu_status", INTEGER,
		"Status byte: bit 6 populated, 1 enabled, 4 idle." },
	[NUMBER_OF_CORES] = { "number_of_cores", TEXT, "Number of its cores." },
	[LOGICAL_PROCESSORS] = { "logical_processors", INTEGER, "Number of its threads." },
	[ADDRESS_WIDTH] = { "address_width", TEXT, "Bits of an address: 64 or 32." },
	[CURRENT_CLOCK_SPEED] = { "current_clock_speed", INTEGER, "MHz at boot." },
	[MAX_CLOCK_SPEED] = { "max_clock_speed", INTEGER,
		"The most MHz that the socket supports." },
	[SOCKET_DESIGNATION] = { "socket_designation", TEXT, "What is printed beside its socket." },
	ELSEWHERE("availability", TEXT),
	ELSEWHERE("load_percentage", INTEGER),
	ELSEWHERE("number_of_efficiency_cores", INTEGER),
	ELSEWHERE("number_of_performance_cores", INTEGER),
};

// Offsets of the fields.
enum {
	F_SOCKET = 0x04,
	F_TYPE = 0x05,
	F_MANUFACTURER = 0x07,
	F_VERSION = 0x10,
	F_MAX_SPEED = 0x14,
	F_SPEED = 0x16,
	F_STATUS = 0x18,
	F_CORES = 0x23,
	F_THREADS = 0x25,
	F_CHARACTERISTICS = 0x26, // since SMBIOS 2.5, which made the structure 0x28 bytes long
	F_END_2_5 = 0x28,
	F_CORES_2 = 0x2a, // words, since 3.0: for what a byte cannot count
	F_THREADS_2 = 0x2e,
};

static uint16_t count(const struct smbios_structure *processor, size_t byte, size_t word)
{
	uint8_t few = smbios_byte(processor, byte);

	return few == 0xff && processor->length >= word + 2 ? smbios_word(processor, word) : few;
}

static void give_processor(
	struct scan *scan, const struct smbios_structure *processor, unsigned number)
{
	static const char *const kinds[] = { [3] = "CPU", [4] = "MATH", [5] = "DSP", [6] = "GPU" };
	uint8_t type = smbios_byte(processor, F_TYPE);
	const char *kind = type < sizeof(kinds) / sizeof(kinds[0]) ? kinds[type] : NULL;

	scan_printf(scan, DEVICE_ID, "%s%u", kind ? kind : "", number);
	scan_text(scan, MODEL, smbios_string(processor, F_VERSION));
	scan_text(scan, MANUFACTURER, smbios_string(processor, F_MANUFACTURER));
	scan_integer(scan, PROCESSOR_TYPE, type);
	scan_integer(scan, CPU_STATUS, smbios_byte(processor, F_STATUS));
	scan_integer(scan, CURRENT_CLOCK_SPEED, smbios_word(processor, F_SPEED));
	scan_integer(scan, MAX_CLOCK_SPEED, smbios_word(processor, F_MAX_SPEED));
	scan_text(scan, SOCKET_DESIGNATION, smbios_string(processor, F_SOCKET));
	if (processor->length < F_END_2_5)
		return;
	scan_integer(scan, NUMBER_OF_CORES, count(processor, F_CORES, F_CORES_2));
	scan_integer(scan, LOGICAL_PROCESSORS, count(processor, F_THREADS, F_THREADS_2));
	scan_text(scan, ADDRESS_WIDTH,
		smbios_word(processor, F_CHARACTERISTICS) & 1 << 2 ? "64" : "32");
}

static int generate(struct scan *scan, struct fault *why)
{
	static const char path[] = "sys/firmware/dmi/tables/DMI";
	struct smbios_structure structure;
	struct smbios table = { 0 };
	unsigned number = 0;

	table.bytes = (const uint8_t *) scan_read(scan, path, &table.length);
	if (!table.bytes && errno == EACCES) {
		scan_warn(scan, "only root may read /%s", path);
		return 0;
	}
	if (!table.bytes) // a machine without SMBIOS
		return errno == ENOENT ? 0 : fail(why, -errno, "cpu_info: /%s: %m", path);

	while (smbios_next(&table, &structure)) {
		bool more;

		if (structure.type != SMBIOS_PROCESSOR || structure.length <= F_STATUS)
			continue;
		more = scan_row(scan);
		give_processor(scan, &structure, number++);
		if (!more)
			break;
	}
	return 0;
}

const struct table table_cpu_info = {
	.name = "cpu_info",
	.about = "Processors, as the firmware describes them.",
	COLUMNS(columns),
	EXAMPLES("SELECT model, number_of_cores FROM cpu_info WHERE processor_type = '3'"),
	.estimate.rows = 2,
	.generate = generate,
};
