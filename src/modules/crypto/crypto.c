// SPDX-License-Identifier: Apache-2.0
#include "modules/crypto/crypto.h"

#include <openssl/evp.h>

// EVP's own context, under another name.
static struct crypto_digest *begin(const char *name)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	const EVP_MD *kind = EVP_get_digestbyname(name);

	if (!context || !kind || EVP_DigestInit_ex(context, kind, NULL) != 1) {
		EVP_MD_CTX_free(context);
		return NULL;
	}
	return (struct crypto_digest *) context;
}

static void add(struct crypto_digest *digest, const void *bytes, size_t length)
{
	(void) EVP_DigestUpdate((EVP_MD_CTX *) digest, bytes, length);
}

static size_t end(struct crypto_digest *digest, unsigned char result[CRYPTO_DIGEST_BYTES])
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned length = 0;

	if (EVP_DigestFinal_ex((EVP_MD_CTX *) digest, bytes, &length) != 1 ||
		length > CRYPTO_DIGEST_BYTES)
		length = 0;
	if (result)
		memcpy(result, bytes, length);
	EVP_MD_CTX_free((EVP_MD_CTX *) digest);
	return length;
}

__attribute__((visibility("default"))) extern const struct crypto_library module_crypto;
const struct crypto_library module_crypto = { .begin = begin, .add = add, .end = end };
