// SPDX-License-Identifier: Apache-2.0
#include "modules/keys/keys.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>

// In place of the default, which asks at the terminal.
static int no_password(char *buffer, int size, int writing, void *context)
{
	(void) buffer;
	(void) size;
	(void) writing;
	(void) context;
	return -1;
}

static const char *name_of_type(int type)
{
	switch (type) {
	case EVP_PKEY_RSA:
	case EVP_PKEY_RSA_PSS:
		return "rsa";
	case EVP_PKEY_DSA:
		return "dsa";
	case EVP_PKEY_DH:
	case EVP_PKEY_DHX:
		return "dh";
	case EVP_PKEY_EC:
		return "ec";
	case EVP_PKEY_HMAC:
		return "hmac";
	case EVP_PKEY_CMAC:
		return "cmac";
	default:
		return "";
	}
}

static bool read_key(const char *pem, size_t length, struct key_facts *facts)
{
	BIO *bio = length <= INT_MAX ? BIO_new_mem_buf(pem, (int) length) : NULL;
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;

	BIO_free(bio);
	if (!key) {
		ERR_clear_error();
		return false;
	}
	*facts = (struct key_facts){
		.length_bits = EVP_PKEY_get_bits(key),
		.security_bits = EVP_PKEY_get_security_bits(key),
	};
	(void) snprintf(
		facts->type, sizeof(facts->type), "%s", name_of_type(EVP_PKEY_get_base_id(key)));
	if (!EVP_PKEY_get_group_name(key, facts->group_name, sizeof(facts->group_name), NULL))
		facts->group_name[0] = '\0';
	EVP_PKEY_free(key);
	ERR_clear_error();
	return true;
}

__attribute__((visibility("default"))) extern const struct keys_library module_keys;
const struct keys_library module_keys = { .read = read_key };
