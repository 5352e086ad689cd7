// SPDX-License-Identifier: Apache-2.0
// The machine: its names, CPUs, memory and makers, from /proc/cpuinfo, /proc/meminfo, hosts(5) and
// the strings of the firmware in /sys/class/dmi/id.
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "host/identity.h"
#include "sql/table.h"

enum {
	HOSTNAME,
	UUID,
	CPU_TYPE,
	CPU_SUBTYPE,
	CPU_BRAND,
	CPU_PHYSICAL_CORES,
	CPU_LOGICAL_CORES,
	CPU_SOCKETS,
	CPU_MICROCODE,
	PHYSICAL_MEMORY,
	HARDWARE_VENDOR,
	HARDWARE_MODEL,
	HARDWARE_VERSION,
	HARDWARE_SERIAL,
	BOARD_VENDOR,
	BOARD_MODEL,
	BOARD_VERSION,
	BOARD_SERIAL,
	COMPUTER_NAME,
	LOCAL_HOSTNAME
};

static const struct column columns[] = {
	[HOSTNAME] = { "hostname", TEXT,
		"Name of the machine with its domain, if /etc/hosts has it." },
	[UUID] = { "uuid", TEXT, "Id of the machine.", NOCASE },
	[CPU_TYPE] = { "cpu_type", TEXT, "Architecture, such as x86_64." },
	[CPU_SUBTYPE] = { "cpu_subtype", TEXT, "Model number of the CPU." },
	[CPU_BRAND] = { "cpu_brand", TEXT, "Name of the CPU." },
	[CPU_PHYSICAL_CORES] = { "cpu_physical_cores", INTEGER, "Number of cores." },
	[CPU_LOGICAL_CORES] = { "cpu_logical_cores", INTEGER,
		"Number of CPUs that tasks can run on; -1 if unknown." },
	[CPU_SOCKETS] = { "cpu_sockets", INTEGER, "Number of CPU packages." },
	[CPU_MICROCODE] = { "cpu_microcode", TEXT, "Version of the CPU's microcode." },
	[PHYSICAL_MEMORY] = { "physical_memory", BIGINT, "Bytes of RAM that the kernel can use." },
	[HARDWARE_VENDOR] = { "hardware_vendor", TEXT, "Maker of the machine." },
	[HARDWARE_MODEL] = { "hardware_model", TEXT, "Its model." },
	[HARDWARE_VERSION] = { "hardware_version", TEXT, "Version of that model." },
	[HARDWARE_SERIAL] = { "hardware_serial", TEXT,
		"Its serial number; only root may read it." },
	[BOARD_VENDOR] = { "board_vendor", TEXT, "Maker of the main board." },
	[BOARD_MODEL] = { "board_model", TEXT, "Model of the main board." },
	[BOARD_VERSION] = { "board_version", TEXT, "Version of that model." },
	[BOARD_SERIAL] = { "board_serial", TEXT,
		"Serial number of the main board; only root may read it." },
	[COMPUTER_NAME] = { "computer_name", TEXT, "Name of the machine as the kernel has it." },
	[LOCAL_HOSTNAME] = { "local_hostname", TEXT, "The same as hostname." },
	ELSEWHERE("emulated_cpu_type", TEXT),
};

// ---- names ----

// The first name of the first line of hosts(5) that has the machine's name: its canonical one.
// "127.0.0.1 localhost name" does not make it localhost.
// DNS is not asked: a table must not wait for the network.
static const char *canonical_name(struct scan *scan, const char *name)
{
	char *text = scan_read(scan, "etc/hosts", NULL);
	char *line;

	while (text && (line = text_line(&text))) {
		char *first, *word;

		line[strcspn(line, "#")] = '\0';
		(void) text_word(&line, " \t"); // the address
		first = word = text_word(&line, " \t");
		for (; word; word = text_word(&line, " \t"))
			if (strcasecmp(word, name) == 0 && strcasecmp(first, "localhost") != 0)
				return first;
	}
	return name;
}

static void give_names(struct scan *scan)
{
	char *name = scan_read(scan, "proc/sys/kernel/hostname", NULL);
	const char *full;

	if (!name)
		return;
	name = text_trim(name);
	scan_text(scan, COMPUTER_NAME, name);
	if (!scan_wants(scan, HOSTNAME) && !scan_wants(scan, LOCAL_HOSTNAME))
		return;
	full = canonical_name(scan, name);
	scan_text(scan, HOSTNAME, full);
	scan_text(scan, LOCAL_HOSTNAME, full);
}

// ---- CPUs ----

struct core {
	int64_t package, id;
};

struct cpus {
	int64_t logical, siblings;
	struct core current, *cores; // one for each logical CPU that says where it is
	size_t n, room;
};

static void end_cpu(struct cpus *cpus, struct arena *arena)
{
	if (cpus->current.id < 0)
		return;
	if (cpus->n == cpus->room) {
		size_t room = cpus->room ? 2 * cpus->room : 64;
		struct core *more = arena_alloc(arena, room * sizeof(*more));

		if (cpus->n)
			memcpy(more, cpus->cores, cpus->n * sizeof(*more));
		cpus->cores = more;
		cpus->room = room;
	}
	cpus->cores[cpus->n++] = cpus->current;
	cpus->current = (struct core){ 0, -1 };
}

static void read_attribute(struct scan *scan, struct cpus *cpus, const char *key, const char *value)
{
	int64_t number = -1;
	bool numeric = text_integer(value, 10, &number) == 0;

	if (strcmp(key, "processor") == 0 && numeric) {
		end_cpu(cpus, scan_arena(scan));
		cpus->logical++;
	} else if (strcmp(key, "physical id") == 0 && numeric) {
		cpus->current.package = number;
	} else if (strcmp(key, "core id") == 0 && numeric) {
		cpus->current.id = number;
	} else if (strcmp(key, "siblings") == 0 && numeric) {
		cpus->siblings = number;
	} else if (strcmp(key, "model") == 0) {
		scan_text(scan, CPU_SUBTYPE, value);
	} else if (strcmp(key, "model name") == 0) {
		scan_text(scan, CPU_BRAND, value);
	} else if (strcmp(key, "microcode") == 0) {
		scan_text(scan, CPU_MICROCODE, value);
	}
}

static int compare_cores(const void *a, const void *b)
{
	const struct core *left = a, *right = b;

	if (left->package != right->package)
		return left->package < right->package ? -1 : 1;
	return (left->id > right->id) - (left->id < right->id);
}

static int64_t count_cores(struct cpus *cpus)
{
	int64_t n = 0;

	if (cpus->n == 0) // CPUs that do not say share no core
		return cpus->logical;
	qsort(cpus->cores, cpus->n, sizeof(*cpus->cores), compare_cores);
	for (size_t i = 0; i < cpus->n; i++)
		n += i == 0 || compare_cores(&cpus->cores[i], &cpus->cores[i - 1]) != 0;
	return n;
}

static void give_cpus(struct scan *scan)
{
	struct cpus cpus = { .siblings = -1, .current.id = -1 };
	char *text = scan_read(scan, "proc/cpuinfo", NULL);
	char *line;

	scan_text(scan, CPU_SUBTYPE, "0");
	while (text && (line = text_line(&text))) {
		char *colon = strchr(line, ':');

		if (!colon)
			continue;
		*colon = '\0';
		read_attribute(scan, &cpus, text_trim(line), text_trim(colon + 1));
	}
	end_cpu(&cpus, scan_arena(scan));
	scan_integer(scan, CPU_LOGICAL_CORES, cpus.logical ? cpus.logical : -1);
	if (cpus.logical)
		scan_integer(scan, CPU_PHYSICAL_CORES, count_cores(&cpus));
	if (cpus.siblings > 0)
		scan_integer(scan, CPU_SOCKETS,
			cpus.logical >= cpus.siblings ? cpus.logical / cpus.siblings : -1);
}

// ---- the rest ----

static void give_memory(struct scan *scan)
{
	char *text = scan_read(scan, "proc/meminfo", NULL);
	char *line = text ? strstr(text, "MemTotal:") : NULL;
	int64_t kib;

	if (line && sscanf(line, "MemTotal: %18" SCNd64, &kib) == 1 && kib >= 0 &&
		kib <= INT64_MAX / 1024)
		scan_integer(scan, PHYSICAL_MEMORY, kib * 1024);
}

// A string of the firmware's tables.
static char *read_string(struct scan *scan, const char *name)
{
	char *text = scan_read(
		scan, arena_printf(scan_arena(scan), "sys/class/dmi/id/%s", name), NULL);

	return text ? text_trim(text) : NULL;
}

static void give_makers(struct scan *scan)
{
	static const struct {
		unsigned column;
		const char *name;
	} strings[] = {
		{ HARDWARE_SERIAL, "product_serial" },
		{ BOARD_VENDOR, "board_vendor" },
		{ BOARD_MODEL, "board_name" },
		{ BOARD_VERSION, "board_version" },
		{ BOARD_SERIAL, "board_serial" },
	};
	const char *vendor = read_string(scan, "sys_vendor");
	// Lenovo puts a part number where others put the name, and the name behind it
	bool swapped = vendor && strcasecmp(vendor, "LENOVO") == 0;

	scan_text(scan, HARDWARE_VENDOR, vendor);
	scan_text(scan, swapped ? HARDWARE_VERSION : HARDWARE_MODEL,
		read_string(scan, "product_name"));
	scan_text(scan, swapped ? HARDWARE_MODEL : HARDWARE_VERSION,
		read_string(scan, "product_version"));
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
		if (scan_wants(scan, strings[i].column))
			scan_text(scan, strings[i].column, read_string(scan, strings[i].name));
}

static bool wants_any(const struct scan *scan, unsigned first, unsigned last)
{
	for (unsigned column = first; column <= last; column++)
		if (scan_wants(scan, column))
			return true;
	return false;
}

static int generate(struct scan *scan, struct fault *why)
{
	char uuid[UUID_TEXT], machine[65];

	(void) why; // what cannot be read is missing
	scan_row(scan);
	give_names(scan);
	if (scan_wants(scan, UUID) && identity_uuid(scan_root(scan), uuid))
		scan_text(scan, UUID, uuid);
	if (scan_wants(scan, CPU_TYPE)) {
		identity_machine(scan_root(scan), machine, sizeof(machine));
		scan_text(scan, CPU_TYPE, machine);
	}
	if (wants_any(scan, CPU_SUBTYPE, CPU_MICROCODE))
		give_cpus(scan);
	if (scan_wants(scan, PHYSICAL_MEMORY))
		give_memory(scan);
	if (wants_any(scan, HARDWARE_VENDOR, BOARD_SERIAL))
		give_makers(scan);
	return 0;
}

const struct table table_system_info = {
	.name = "system_info",
	.about = "The machine: names, CPUs, memory, makers.",
	COLUMNS(columns),
	EXAMPLES("SELECT hostname, uuid, hardware_serial FROM system_info",
		"SELECT cpu_brand, cpu_physical_cores, cpu_logical_cores FROM system_info"),
	.estimate.rows = 1,
	.generate = generate,
};
