// SPDX-License-Identifier: Apache-2.0
#pragma once
// A configuration while it is loaded: what was gathered so far, and what everything that reads a
// part of it needs.

#include "base/base.h"
#include "base/flags.h"
#include "base/set.h"
#include "config/config.h"
#include "config/document.h"

enum { WARNINGS_MAX = 100 };

// A list that grows in the configuration's arena.
#define LIST(type)                                                                                 \
	struct {                                                                                   \
		type *items;                                                                       \
		size_t n, room;                                                                    \
	}

// Room for one more item, at its end.
#define list_add(arena, list)                                                                      \
	({                                                                                         \
		if ((list)->n == (list)->room)                                                     \
			(list)->items = list_grow(                                                 \
				arena, (list)->items, &(list)->room, sizeof(*(list)->items));      \
		&(list)->items[(list)->n++];                                                       \
	})

void *list_grow(struct arena *arena, void *items, size_t *room, size_t item_bytes);

struct texts {
	const char **items;
	size_t n, room;
};

struct loader {
	struct config *config;
	struct arena *arena; // the configuration's
	struct flags flags; // those given, with the options of the sources over them
	const char *version; // of the agent
	const struct json_library *json;
	const struct config_source *source;
	int shard; // of this host, -1: not asked for yet

	LIST(struct config_pack) packs;
	LIST(struct config_decorator) decorators;
	LIST(struct config_named) options;
	LIST(struct config_named) views;
	LIST(struct config_auto_table) auto_tables;
	LIST(struct config_list) file_paths;
	LIST(struct config_list) file_paths_query;
	LIST(struct config_list) exclude_paths;
	LIST(struct config_named) sources;
	LIST(size_t) source_lengths;
	LIST(const char *) warnings;
	struct texts file_accesses, enable_subscribers, disable_subscribers, pack_values;
	struct texts mute_paths, mute_processes;
	size_t n_unsaid; // warnings beyond the most that are kept

	struct set query_names; // digests
	struct text seen; // digests of all that was read
};

// Notes what was left out and why, after the place where the value stands.
__attribute__((format(printf, 3, 4))) void loader_warn(
	struct loader *loader, const struct node *node, const char *format, ...);

// Notes a sentence as it is.
void loader_say(struct loader *loader, const char *sentence);

// Notes that the value is not what it has to be.
void loader_refuse(struct loader *loader, const struct node *node, const char *wanted);

// A text value, in the arena; NULL, and a warning, when it is none.
const char *loader_text(struct loader *loader, const struct node *node);

// The same for what may also be a number or a bool, as packs that other tools write have it.
const char *loader_scalar(struct loader *loader, const struct node *node);

// A yes or no: a bool, a word for it, a number. False, and a warning, when it is none.
bool loader_switch(struct loader *loader, const struct node *node, bool *truth);

// A number, or a text that is one, without its fraction. False, without a warning, when it is none.
bool loader_number(const struct node *node, int64_t *number);

// All texts of an array, added to the list; others are warned about.
void loader_texts(struct loader *loader, const struct node *array, struct texts *texts);
const char *const *loader_end_texts(struct loader *loader, struct texts *texts);

// An object, or a warning.
bool loader_wants_object(struct loader *loader, const struct node *node);

// Warns about members whose name is nearly one of those that are known (NULL-terminated).
void loader_check_names(struct loader *loader, const struct node *object, const char *const *known);

// Warns about names that an object has twice.
void loader_check_duplicates(struct loader *loader, const struct document *document);
