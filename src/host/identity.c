// SPDX-License-Identifier: Apache-2.0
#include "host/identity.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/utsname.h>

#include "host/host.h"

enum { DIGITS = 32 };

// Reads a small file without the white space behind; empty when it cannot be read.
static void read_word(const struct root *root, const char *path, char *word, size_t size)
{
	auto_close int fd = root_openat(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	ssize_t length = fd < 0 ? -1 : read(fd, word, size - 1);

	while (length > 0 && isspace((unsigned char) word[length - 1]))
		length--;
	word[length < 0 ? 0 : length] = '\0';
}

// The 32 hexadecimal digits of a UUID in lower case, its hyphens left out.
static bool take_digits(const char *text, char digits[DIGITS + 1])
{
	size_t n = 0;

	for (; *text; text++) {
		if (*text == '-')
			continue;
		if (!isxdigit((unsigned char) *text) || n == DIGITS)
			return false;
		digits[n++] = (char) tolower((unsigned char) *text);
	}
	digits[n] = '\0';
	return n == DIGITS;
}

// What firmware holds when its maker did not care to set it.
static bool is_shared(const char *digits)
{
	static const char *const known[] = {
		"03000200040005000006000700080009",
		"00020003000400050006000700080009",
		"01020304050607080910111213141516",
		"12345678123456781234567812345678",
		"12345678123412341234123456789abc",
		"11111111222233334444555555555555",
		"fefefefefefefefefefefefefefefefe",
		"4c4c4544000000000000000000000000",
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(digits, known[i]) == 0)
			return true;
	return strspn(digits, (char[]){ digits[0], '\0' }) == DIGITS; // all 0, all f
}

bool identity_uuid(const struct root *root, char uuid[UUID_TEXT])
{
	static const char *const sources[] = { "sys/class/dmi/id/product_uuid", "etc/machine-id",
		"var/lib/dbus/machine-id" };
	char word[64], digits[DIGITS + 1];

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		read_word(root, sources[i], word, sizeof(word));
		if (!take_digits(word, digits) || is_shared(digits))
			continue;
		(void) snprintf(uuid, UUID_TEXT, "%.8s-%.4s-%.4s-%.4s-%.12s", digits, digits + 8,
			digits + 12, digits + 16, digits + 20);
		return true;
	}
	uuid[0] = '\0';
	return false;
}

void identity_machine(const struct root *root, char *machine, size_t size)
{
	struct utsname names;

	read_word(root, "proc/sys/kernel/arch", machine, size); // since Linux 6.1
	if (*machine == '\0' && uname(&names) == 0)
		(void) snprintf(machine, size, "%s", names.machine);
}

const char *identity_instance(struct host *host)
{
	char *id = host->instance_id;
	unsigned char bytes[16];

	if (*id || getrandom(bytes, sizeof(bytes), GRND_NONBLOCK) != sizeof(bytes))
		return id;
	bytes[6] = (unsigned char) ((bytes[6] & 0x0f) | 0x40);
	bytes[8] = (unsigned char) ((bytes[8] & 0x3f) | 0x80);
	for (size_t i = 0, at = 0; i < sizeof(bytes); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			id[at++] = '-';
		at += (size_t) snprintf(id + at, UUID_TEXT - at, "%02x", bytes[i]);
	}
	return id;
}
