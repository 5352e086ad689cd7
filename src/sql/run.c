// SPDX-License-Identifier: Apache-2.0
// Running a scan: opening the table, in the namespaces that are asked for, and going from row to
// row.
#include "sql/scan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

// ---- namespaces ----

static void close_elsewhere(struct scan *scan)
{
	if (scan->elsewhere.root.fd >= 0)
		host_close(&scan->elsewhere);
	scan->host = scan->sql->host;
	scan->mount_id[0] = '\0';
}

static void read_mount_id(struct scan *scan, int64_t pid)
{
	char path[64], link[64];
	unsigned long long inode = 0;

	(void) snprintf(path, sizeof(path), "proc/%" PRId64 "/ns/mnt", pid);
	if (root_readlink(&scan->sql->host->root, path, link, sizeof(link)) > 0 &&
		sscanf(link, "mnt:[%llu]", &inode) == 1)
		(void) snprintf(scan->mount_id, sizeof(scan->mount_id), "%llu", inode);
}

// Moves on to the next process whose view is asked for: 1, or 0 when there is none left.
static int enter_process(struct scan *scan)
{
	for (; scan->process_at < scan->processes->count; scan->process_at++) {
		int64_t pid = scan->processes->values[scan->process_at].integer;
		struct fault why;

		close_elsewhere(scan);
		if (host_open_process(&scan->elsewhere, scan->sql->host, pid, &why) < 0) {
			log_verbose("%s: %s", scan->table->name, why.text);
			continue;
		}
		read_mount_id(scan, pid);
		scan->host = &scan->elsewhere;
		return 1;
	}
	return 0;
}

// ---- the table ----

static void set_slots(struct scan *scan)
{
	scan->pid_column = scan->mount_column = -1;
	scan->n_slots = 0;
	scan->wanted_groups = 0;
	for (unsigned i = 0; i < scan->table->n_columns; i++) {
		bool wanted = scan_wants(scan, i);

		scan->slot[i] = wanted ? (int8_t) scan->n_slots : -1;
		scan->n_slots += wanted;
		scan->wanted_groups |= (uint32_t) wanted << scan->table->columns[i].group;
		if (!(scan->table->columns[i].options & HIDDEN))
			continue; // this runs for each row of a join
		if (strcmp(scan->table->columns[i].name, "pid_with_namespace") == 0)
			scan->pid_column = (int) i;
		if (strcmp(scan->table->columns[i].name, "mount_namespace_id") == 0)
			scan->mount_column = (int) i;
	}
	if (scan->n_slots == 0)
		scan->n_slots = 1; // count(*): rows without columns still are rows
}

static void close_table(struct scan *scan)
{
	if (scan->open && scan->table->close)
		scan->table->close(scan);
	scan->open = false;
}

static int open_table(struct scan *scan)
{
	if (scan->table->state_bytes && !scan->state)
		scan->state = must_alloc(scan->table->state_bytes);
	if (scan->state)
		memset(scan->state, 0, scan->table->state_bytes);
	scan->open = true;
	return scan->table->open ? scan->table->open(scan, &scan->fault) : 0;
}

int run_generate(struct scan *scan)
{
	int r = 0;

	if (!scan->processes)
		return scan->table->generate(scan, &scan->fault);
	for (; r >= 0 && enter_process(scan) > 0; scan->process_at++)
		r = scan->table->generate(scan, &scan->fault);
	return r;
}

// ---- rows ----

int scan_begin(struct scan *scan)
{
	int r;

	close_table(scan);
	close_elsewhere(scan);
	scan_forget_rowids(scan);
	repeat_end(scan);
	set_slots(scan);
	scan->n_given = 0;
	scan->fault = (struct fault){ 0 };
	scan->at_end = false;
	scan->process_at = 0;
	scan->processes = scan->pid_column < 0 ? NULL
					       : scan_given(scan, (unsigned) scan->pid_column);
	if (scan->table->generate)
		return kept_begin(scan);
	if (repeat_begin(scan))
		return 0;

	kept_forget(scan);
	scan->rows = must_resize(scan->rows, scan->n_slots * sizeof(*scan->rows));
	if (scan->processes && enter_process(scan) == 0) {
		scan->at_end = true;
		return 0;
	}
	r = open_table(scan);
	return r < 0 ? r : scan_next(scan);
}

static int next_streamed(struct scan *scan)
{
	for (;;) {
		int r;

		arena_reset(&scan->row_arena);
		scan->row = scan->rows;
		scan->fetched = 0;
		memset(scan->row, 0, scan->n_slots * sizeof(*scan->row));
		scan_fill_namespace(scan);
		r = scan->table->next(scan, &scan->fault);
		if (r == SKIP && scan_cancelled(scan))
			return -ECANCELED;
		if (r == SKIP)
			continue;
		if (r != END || !scan->processes)
			return r;

		// the next process' view
		close_table(scan);
		scan->process_at++;
		if (enter_process(scan) == 0)
			return 0;
		r = open_table(scan);
		if (r < 0)
			return r;
	}
}

int scan_next(struct scan *scan)
{
	const struct term *term;
	int r;

	scan->has_rowid = false;
	if (scan->table->generate)
		return kept_next(scan);
	if (scan_cancelled(scan))
		return -ECANCELED;
	if (scan->last.shown) {
		repeat_end(scan);
		scan->at_end = true;
		return 0;
	}
	term = scan->n_given == 1 ? repeat_term(scan) : NULL;
	if (term)
		repeat_keep(scan, term);
	r = next_streamed(scan);
	if (r < 0)
		return r;
	scan->last.good = term && r == END &&
		(scan->wanted_groups & ~1u & ~scan->last.fetched) == 0;
	scan->n_given += scan->n_given < 2;
	scan->entry->rows += (uint64_t) r;
	scan->at_end = r == 0;
	return 0;
}

static int fetch_group(struct scan *scan, unsigned group, struct fault *why)
{
	if (scan->fetched >> group & 1)
		return 0;
	scan->fetched |= 1u << group;
	return scan->table->fetch(scan, group, why);
}

int scan_fetch(struct scan *scan, unsigned group, struct fault *why)
{
	return scan_wants_group(scan, group) ? fetch_group(scan, group, why) : 0;
}

int scan_value(struct scan *scan, unsigned column, struct value *value)
{
	unsigned group = scan->table->columns[column].group;
	int slot = scan->slot[column];

	*value = (struct value){ 0 };
	if (scan->table->generate) {
		if (slot >= 0)
			*value = kept_row(scan)[slot];
		return 0;
	}
	if (group) {
		int r = fetch_group(scan, group, &scan->fault);

		if (r < 0)
			return r;
	}
	if (slot >= 0)
		*value = scan->row[slot];
	return 0;
}

void scan_end(struct scan *scan)
{
	close_table(scan);
	close_elsewhere(scan);
	scan->sql->scan_bytes -= scan->counted_bytes;
	free(scan->rows);
	free(scan->last.row);
	free(scan->order);
	scan_forget_rowids(scan);
	free(scan->state);
	arena_done(&scan->arena);
	arena_done(&scan->row_arena);
	arena_done(&scan->last.arena);
	arena_done(&scan->terms_arena);
}
