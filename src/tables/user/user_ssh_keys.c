// SPDX-License-Identifier: Apache-2.0
// Private keys in the ~/.ssh of users: PEM (RFC 7468, RFC 1421) and OpenSSH's own format
// (PROTOCOL.key of OpenSSH).
#include <assert.h>
#include <string.h>

#include "base/module.h"
#include "host/folder.h"
#include "modules/keys/keys.h"
#include "sql/table.h"
#include "tables/user/homes.h"

enum {
	UID,
	PATH,
	ENCRYPTED,
	KEY_TYPE,
	KEY_GROUP_NAME,
	KEY_LENGTH,
	KEY_SECURITY_BITS,
	PID_WITH_NAMESPACE,
};

static const struct column columns[] = {
	[UID] = { "uid", BIGINT, "User in whose home the key is.", ADDITIONAL | OPTIMIZED },
	[PATH] = { "path", TEXT, "File of the key.", INDEX },
	[ENCRYPTED] = { "encrypted", INTEGER, "1 if a password protects it, else 0." },
	[KEY_TYPE] = { "key_type", TEXT,
		"rsa, dsa, dh, ec, hmac or cmac; empty for others, for OpenSSH's own format and "
		"for encrypted keys." },
	[KEY_GROUP_NAME] = { "key_group_name", TEXT, "Name of the curve or group." },
	[KEY_LENGTH] = { "key_length", INTEGER, "Bits of the key, -1 if unknown." },
	[KEY_SECURITY_BITS] = { "key_security_bits", INTEGER,
		"Bits of security it gives, by the estimate of NIST SP 800-57; -1 if unknown." },
	[PID_WITH_NAMESPACE] = NAMESPACE_PID,
};

enum { KEY_FILE_BYTES = 1 << 20 }; // a file beyond is no key

static const char openssh_begin[] = "-----BEGIN OPENSSH PRIVATE KEY-----";

struct state {
	struct homes homes;
	const char *const *names; // left in the folder of the current user, or NULL
	const struct keys_library *library;
};

// ---- OpenSSH's own format ----

static int digit_of_base64(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *found = c ? strchr(digits, c) : NULL;

	return found ? (int) (found - digits) : -1;
}

// Decodes up to `size` bytes of Base64 that may have line ends in it.
static size_t decode_base64(const char *text, unsigned char *bytes, size_t size)
{
	unsigned bits = 0, n_bits = 0;
	size_t n = 0;

	for (; n < size; text++) {
		int digit;

		if (*text == '\n' || *text == '\r')
			continue;
		digit = digit_of_base64(*text);
		if (digit < 0)
			break;
		bits = (bits << 6 | (unsigned) digit) & 0xffff;
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			bytes[n++] = (unsigned char) (bits >> n_bits);
		}
	}
	return n;
}

// A magic text with its NUL, then strings with their lengths in four bytes before them. The first
// is the name of the cipher: "none" when the key is not encrypted. False when it is no such key.
static bool read_openssh(const char *base64, bool *encrypted)
{
	static const unsigned char begin[] = "openssh-key-v1\0\0\0\0\4none";
	enum { LENGTH_AT = 18, CIPHER_AT = 19, LENGTH = CIPHER_AT + 4 };
	unsigned char bytes[LENGTH];

	static_assert(sizeof(begin) - 1 == LENGTH, "");
	if (decode_base64(base64, bytes, LENGTH) != LENGTH ||
		memcmp(bytes, begin, LENGTH_AT) != 0 || bytes[LENGTH_AT] < 4)
		return false;
	*encrypted = memcmp(bytes, begin, LENGTH) != 0;
	return true;
}

// ---- rows ----

static bool is_encrypted_pem(const char *pem)
{
	return strstr(pem, "-----BEGIN ENCRYPTED PRIVATE KEY-----") ||
		(strstr(pem, "PRIVATE KEY-----") && strstr(pem, "\nProc-Type: 4,ENCRYPTED"));
}

// 1 with what is known of the key, 0 if it is none.
static int inspect(struct state *state, const char *text, size_t length, bool *encrypted,
	struct key_facts *facts, struct fault *why)
{
	const char *openssh = strstr(text, openssh_begin);

	*facts = (struct key_facts){ .length_bits = -1, .security_bits = -1 };
	if (openssh) {
		openssh += strlen(openssh_begin);
		return read_openssh(openssh + strspn(openssh, "\r\n"), encrypted);
	}
	*encrypted = is_encrypted_pem(text);
	if (*encrypted)
		return 1;
	if (!strstr(text, "PRIVATE KEY-----"))
		return 0;
	if (!state->library)
		state->library = module_open("keys", why);
	if (!state->library)
		return why->code;
	return state->library->read(text, length, facts);
}

static int give_file(struct scan *scan, struct state *state, const char *name, struct fault *why)
{
	struct arena *arena = scan_row_arena(scan);
	const char *path = arena_printf(arena, "%s/.ssh/%s", state->homes.home.bytes, name);
	struct key_facts facts;
	bool encrypted;
	size_t length;
	char *text = root_read(scan_root(scan), path, KEY_FILE_BYTES, arena, &length);
	int r = text ? inspect(state, text, length, &encrypted, &facts, why) : 0;

	if (r <= 0)
		return r < 0 ? r : SKIP;
	scan_integer(scan, UID, state->homes.uid);
	scan_text(scan, PATH, path);
	scan_integer(scan, ENCRYPTED, encrypted);
	scan_text(scan, KEY_TYPE, facts.type);
	scan_text(scan, KEY_GROUP_NAME, facts.group_name);
	scan_integer(scan, KEY_LENGTH, facts.length_bits);
	scan_integer(scan, KEY_SECURITY_BITS, facts.security_bits);
	return ROW;
}

static int open_scan(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);

	(void) why;
	homes_open(&state->homes, scan, UID);
	return 0;
}

static int next(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);

	if (state->names && *state->names)
		return give_file(scan, state, *state->names++, why);
	if (!homes_next(&state->homes))
		return END;
	state->names = folder_names(scan_root(scan),
		arena_printf(scan_arena(scan), "%s/.ssh", state->homes.home.bytes),
		scan_arena(scan));
	return SKIP;
}

static void close_scan(struct scan *scan)
{
	homes_close(&((struct state *) scan_state(scan))->homes);
}

const struct table table_user_ssh_keys = {
	.name = "user_ssh_keys",
	.about = "Private SSH keys in the homes of users.",
	COLUMNS(columns),
	EXAMPLES(
		"SELECT username, path FROM users JOIN user_ssh_keys USING (uid) WHERE encrypted = "
		"0"),
	.attributes = USER_DATA,
	.estimate = { .rows = 5, .row = 20 },
	.state_bytes = sizeof(struct state),
	.open = open_scan,
	.next = next,
	.close = close_scan,
};
