// SPDX-License-Identifier: Apache-2.0
#include "host/digest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/module.h"
#include "modules/crypto/crypto.h"

enum { BLOCK_BYTES = 128 * 1024 };

static const char *const names[DIGEST_KINDS] = {
	[DIGEST_MD5] = "md5",
	[DIGEST_SHA1] = "sha1",
	[DIGEST_SHA256] = "sha256",
};

struct running {
	const struct crypto_library *library;
	struct crypto_digest *digests[DIGEST_KINDS]; // NULL: not asked for
};

static void abandon(struct running *running)
{
	for (int kind = 0; kind < DIGEST_KINDS; kind++)
		if (running->digests[kind])
			(void) running->library->end(running->digests[kind], NULL);
}

static int begin(struct running *running, unsigned kinds, struct fault *why)
{
	running->library = module_open("crypto", why);
	if (!running->library)
		return -ENOENT;
	for (int kind = 0; kind < DIGEST_KINDS; kind++) {
		if (!(kinds >> kind & 1))
			continue;
		running->digests[kind] = running->library->begin(names[kind]);
		if (!running->digests[kind]) {
			abandon(running);
			return fail(why, -ENOTSUP, "libcrypto does not give %s", names[kind]);
		}
	}
	return 0;
}

static void add(struct running *running, const void *bytes, size_t length)
{
	for (int kind = 0; kind < DIGEST_KINDS; kind++)
		if (running->digests[kind])
			running->library->add(running->digests[kind], bytes, length);
}

static void end(struct running *running, struct digest *digest)
{
	static const char digits[] = "0123456789abcdef";

	for (int kind = 0; kind < DIGEST_KINDS; kind++) {
		unsigned char bytes[CRYPTO_DIGEST_BYTES];
		size_t length;

		if (!running->digests[kind])
			continue;
		length = running->library->end(running->digests[kind], bytes);
		for (size_t i = 0; i < length; i++) {
			digest->hex[kind][2 * i] = digits[bytes[i] >> 4];
			digest->hex[kind][2 * i + 1] = digits[bytes[i] & 15];
		}
		digest->hex[kind][2 * length] = '\0';
	}
}

static int read_all(struct running *running, int fd, uint64_t limit_bytes,
	bool (*cancelled)(void *context), void *context, struct fault *why)
{
	auto_free char *block = must_alloc(BLOCK_BYTES);
	uint64_t total = 0;
	ssize_t length;

	for (;;) {
		length = read(fd, block, BLOCK_BYTES);
		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return fail(why, -errno, "%m");
		if (length == 0)
			return 0;
		total += (uint64_t) length;
		if (total > limit_bytes)
			return fail(why, -EFBIG, "more than %llu bytes",
				(unsigned long long) limit_bytes);
		add(running, block, (size_t) length);
		if (cancelled && cancelled(context))
			return fail(why, -ECANCELED, "cancelled");
	}
}

int digest_fd(int fd, unsigned kinds, uint64_t limit_bytes, struct digest *digest,
	bool (*cancelled)(void *context), void *context, struct fault *why)
{
	struct running running = { 0 };
	struct stat status;
	int r;

	memset(digest, 0, sizeof(*digest));
	if (fstat(fd, &status) < 0)
		return fail(why, -errno, "%m");
	if (!S_ISREG(status.st_mode))
		return fail(why, -EINVAL, "not a regular file");
	if (status.st_size > 0 && (uint64_t) status.st_size > limit_bytes)
		return fail(why, -EFBIG, "more than %llu bytes", (unsigned long long) limit_bytes);
	r = begin(&running, kinds, why);
	if (r < 0)
		return r;
	r = read_all(&running, fd, limit_bytes, cancelled, context, why);
	if (r < 0)
		abandon(&running);
	else
		end(&running, digest);
	return r;
}

int digest_bytes(
	const void *bytes, size_t length, unsigned kinds, struct digest *digest, struct fault *why)
{
	struct running running = { 0 };
	int r = begin(&running, kinds, why);

	memset(digest, 0, sizeof(*digest));
	if (r < 0)
		return r;
	add(&running, bytes, length);
	end(&running, digest);
	return 0;
}
