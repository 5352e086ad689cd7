// SPDX-License-Identifier: Apache-2.0
#pragma once
// One JSON text of the configuration, and its values with the place where each stands.

#include <stdbool.h>

#include "base/base.h"
#include "modules/json/json.h"

enum {
	DOCUMENT_RAW_BYTES = 16 << 20, // of a file with its comments
	DOCUMENT_BYTES = 4 << 20, // without them
	DOCUMENT_DEPTH = 32,
};

struct document {
	const struct json_library *json;
	const char *name; // of the source, or the path of a pack's file
	const char *text; // without comments; its lines have the numbers that they have in the file
	size_t length;
	struct json_value *root; // an object
	bool duplicates; // an object has two members of one name
};

// Takes comments out and parses the rest. Text and name are put into the arena. On failure the
// reason names file and line.
int document_parse(struct document *document, const struct json_library *json, const char *name,
	const char *bytes, size_t length, struct arena *arena, struct fault *why);
void document_done(struct document *document);

// A value of a document: the root, the member of an object or the item of an array. Lives on the
// stack of who walks down.
struct node {
	const struct document *document;
	const struct node *above; // NULL: the root
	const char *name; // NULL: an item
	size_t index;
	struct json_value *value;
};

struct node node_root(const struct document *document);

// The member of that name: false where there is none, or null.
bool node_member(const struct node *object, const char *name, struct node *member);

// Goes through all members (begins with *place NULL) and items. False at the end.
bool node_next(const struct node *object, void **place, struct node *member);
bool node_item(const struct node *array, size_t index, struct node *item);

enum json_kind node_kind(const struct node *node);

// Adds the value as a person would write it, cut where it is long.
void node_show(const struct node *node, struct text *text);

// Adds "file:line: a.b.c", or "file:line" alone.
void node_add_place(const struct node *node, bool with_path, struct text *text);
