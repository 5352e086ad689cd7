// SPDX-License-Identifier: Apache-2.0
#include "output/status.h"

#include <string.h>

enum { KEPT = 512 }; // lines; when there are more, the oldest go

struct status {
	struct outputs *outputs;
	struct log_entry kept[KEPT]; // texts are ours, names of files are literals
	size_t first, n;
	uint64_t dropped;
};

static struct log_entry *kept_at(struct status *status, size_t at)
{
	return &status->kept[(status->first + at) % KEPT];
}

static void keep(struct status *status, const struct log_entry *entry)
{
	struct log_entry *place;

	if (status->n == KEPT) {
		free((char *) kept_at(status, 0)->text);
		status->first = (status->first + 1) % KEPT;
		status->n--;
		status->dropped++;
	}
	place = kept_at(status, status->n++);
	*place = *entry;
	place->text = must_dup(entry->text);
}

static void take_entry(void *context, const struct log_entry *entry)
{
	struct status *status = context;

	if (status->outputs)
		outputs_status(status->outputs, entry);
	else
		keep(status, entry);
}

struct status *status_open(void)
{
	struct status *status = must_alloc(sizeof(*status));

	*status = (struct status){ 0 };
	log_sink(take_entry, status);
	return status;
}

void status_pass_on(struct status *status, struct outputs *outputs)
{
	status->outputs = outputs;
	if (!outputs)
		return;
	for (size_t i = 0; i < status->n; i++) {
		outputs_status(outputs, kept_at(status, i));
		free((char *) kept_at(status, i)->text);
	}
	if (status->dropped)
		log_warning("%llu status lines from before the outputs were open are lost",
			(unsigned long long) status->dropped);
	status->n = 0;
	status->dropped = 0;
}

void status_close(struct status *status)
{
	if (!status)
		return;
	log_sink(NULL, NULL);
	for (size_t i = 0; i < status->n; i++)
		free((char *) kept_at(status, i)->text);
	free(status);
}

void status_add_text(struct text *text, const struct log_entry *entry)
{
	text_printf(text, "severity=%d location=%s:%d message=%s",
		entry->severity < LOG_INFO ? LOG_INFO : (int) entry->severity, entry->file,
		entry->line, entry->text);
}
