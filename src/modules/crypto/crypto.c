// SPDX-License-Identifier: Apache-2.0
#define OPENSSL_SUPPRESS_DEPRECATED
#include "modules/crypto/crypto.h"

#include <openssl/md5.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

// The functions of each digest itself, the same code as behind EVP. EVP would first make a provider
// with all its algorithms: a millisecond, 2 MB of memory that stay, and what a file
// /usr/lib/ssl/openssl.cnf tells it to load.
struct kind {
	const char *name;
	size_t length;
	int (*init)(void *context);
	int (*update)(void *context, const void *bytes, size_t length);
	int (*final)(unsigned char *result, void *context);
};

struct crypto_digest {
	const struct kind *kind;
	union {
		MD5_CTX md5;
		SHA_CTX sha1;
		SHA256_CTX sha256;
	} context;
};

#define KIND(word, PREFIX, TYPE)                                                                   \
	static int word##_init(void *context)                                                      \
	{                                                                                          \
		return PREFIX##_Init((TYPE *) context);                                            \
	}                                                                                          \
	static int word##_update(void *context, const void *bytes, size_t length)                  \
	{                                                                                          \
		return PREFIX##_Update((TYPE *) context, bytes, length);                           \
	}                                                                                          \
	static int word##_final(unsigned char *result, void *context)                              \
	{                                                                                          \
		return PREFIX##_Final(result, (TYPE *) context);                                   \
	}
KIND(md5, MD5, MD5_CTX)
KIND(sha1, SHA1, SHA_CTX)
KIND(sha256, SHA256, SHA256_CTX)

static const struct kind kinds[] = {
	{ "md5", MD5_DIGEST_LENGTH, md5_init, md5_update, md5_final },
	{ "sha1", SHA_DIGEST_LENGTH, sha1_init, sha1_update, sha1_final },
	{ "sha256", SHA256_DIGEST_LENGTH, sha256_init, sha256_update, sha256_final },
};

static const struct kind *find_kind(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

static struct crypto_digest *begin(const char *name)
{
	const struct kind *kind = find_kind(name);
	struct crypto_digest *digest = kind ? malloc(sizeof(*digest)) : NULL;

	if (!digest)
		return NULL;
	digest->kind = kind;
	if (kind->init(&digest->context) == 1)
		return digest;
	free(digest);
	return NULL;
}

static void add(struct crypto_digest *digest, const void *bytes, size_t length)
{
	(void) digest->kind->update(&digest->context, bytes, length);
}

static size_t end(struct crypto_digest *digest, unsigned char result[CRYPTO_DIGEST_BYTES])
{
	unsigned char ignored[CRYPTO_DIGEST_BYTES];
	size_t length = digest->kind->length;

	if (digest->kind->final(result ? result : ignored, &digest->context) != 1)
		length = 0;
	free(digest);
	return length;
}

__attribute__((visibility("default"))) extern const struct crypto_library module_crypto;
const struct crypto_library module_crypto = { .begin = begin, .add = add, .end = end };
