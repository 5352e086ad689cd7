// SPDX-License-Identifier: Apache-2.0
#pragma once
// Decorations: what is said of the host in every line, from the first row of the decorators'
// queries.

#include "config/config.h"
#include "output/line.h"
#include "sql/sql.h"

struct decorations;

// `config` is borrowed.
struct decorations *decorations_open(const struct config *config);
void decorations_close(struct decorations *decorations);

// Runs the decorators of a kind. What goes wrong is logged; the decorator then keeps what it said
// before.
void decorations_run(struct decorations *decorations, struct sql *sql, enum decorate when);

// Runs those with an interval of which a multiple lies in (from_s, to_s].
void decorations_run_due(
	struct decorations *decorations, struct sql *sql, uint64_t from_s, uint64_t to_s);

// All decorations, each name once, in byte order; those of later sources win. Valid until the next
// call for the same decorations.
const struct decoration *decorations_list(struct decorations *decorations, size_t *n);
