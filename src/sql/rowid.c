// SPDX-License-Identifier: Apache-2.0
// Numbers of rows. SQLite asks for them when two scans of one table can meet the same row (OR,
// RIGHT JOIN): the number is made of the row's values and of how many such rows the scan showed
// before, so that it does not depend on what a scan was asked for.
#include <stdlib.h>
#include <string.h>

#include "sql/scan.h"

// FNV-1a, 64 bits.
static uint64_t mix(uint64_t hash, const void *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		hash = (hash ^ ((const unsigned char *) bytes)[i]) * 0x100000001b3;
	return hash;
}

static uint64_t mix_value(uint64_t hash, const struct value *value)
{
	hash = mix(hash, &value->kind, sizeof(value->kind));
	switch (value->kind) {
	case IS_TEXT:
		hash = mix(hash, &value->length, sizeof(value->length));
		return mix(hash, value->text, value->length);
	case IS_INTEGER:
	case IS_DOUBLE:
		return mix(hash, &value->integer, sizeof(value->integer));
	case MISSING:
		break;
	}
	return hash;
}

// Begins with a number that nobody outside knows, so that nobody can make two rows look the same.
static int hash_row(struct scan *scan, uint64_t *hash)
{
	*hash = scan->sql->secret;
	for (unsigned i = 0; i < scan->table->n_columns; i++) {
		struct value value;
		int r;

		if (!scan_wants(scan, i))
			continue;
		r = scan_value(scan, i, &value);
		if (r < 0)
			return r;
		*hash = mix_value(*hash, &value);
	}
	return 0;
}

static struct seen *find(struct seen *seen, size_t room, uint64_t hash)
{
	size_t at = (size_t) (hash ^ hash >> 32) & (room - 1);

	while (seen[at].times && seen[at].hash != hash)
		at = (at + 1) & (room - 1);
	return &seen[at];
}

static void grow(struct scan *scan)
{
	size_t room = scan->seen_room ? scan->seen_room * 2 : 64;
	struct seen *seen = must_alloc(room * sizeof(*seen));

	memset(seen, 0, room * sizeof(*seen));
	for (size_t i = 0; i < scan->seen_room; i++)
		if (scan->seen[i].times)
			*find(seen, room, scan->seen[i].hash) = scan->seen[i];
	free(scan->seen);
	scan->seen = seen;
	scan->seen_room = room;
}

int scan_rowid(struct scan *scan, int64_t *rowid)
{
	struct seen *seen;
	uint64_t hash;
	int r = scan->has_rowid ? 0 : hash_row(scan, &hash);

	if (r < 0)
		return r;
	if (!scan->has_rowid) {
		if (scan->n_seen * 2 >= scan->seen_room)
			grow(scan);
		seen = find(scan->seen, scan->seen_room, hash);
		scan->n_seen += seen->times == 0;
		seen->hash = hash;
		seen->times++;
		scan->rowid = (int64_t) mix(hash, &seen->times, sizeof(seen->times));
		scan->has_rowid = true;
	}
	*rowid = scan->rowid;
	return 0;
}

void scan_forget_rowids(struct scan *scan)
{
	free(scan->seen);
	scan->seen = NULL;
	scan->seen_room = scan->n_seen = 0;
	scan->has_rowid = false;
}
