// SPDX-License-Identifier: Apache-2.0
// Changes of the files of file_paths.
#include <string.h>
#include <sys/stat.h>

#include "tables/event/content.h"
#include "tables/event/stored.h"

enum group { HASHES = 1 };

enum {
	TARGET_PATH,
	CATEGORY,
	ACTION,
	TRANSACTION_ID,
	INODE,
	UID,
	GID,
	MODE,
	SIZE,
	ATIME,
	MTIME,
	CTIME,
	MD5,
	SHA1,
	SHA256,
	HASHED,
	TIME,
	EID,
	PID,
	EXECUTABLE,
	CMDLINE,
	PROCESS_UID,
	PROCESS_AUID,
	PROCESS,
	OUTCOME = PROCESS + STORED_PROCESS_COLUMNS,
	CONTENT = OUTCOME + STORED_OUTCOME_COLUMNS,
};

static const struct column columns[] = {
	[TARGET_PATH] = { "target_path", TEXT, "Path of the file." },
	[CATEGORY] = { "category", TEXT, "Category of file_paths that has a pattern for it." },
	[ACTION] = { "action", TEXT,
		"CREATED, UPDATED, DELETED, MOVED_FROM, MOVED_TO, ATTRIBUTES_MODIFIED or OPENED." },
	[TRANSACTION_ID] = { "transaction_id", BIGINT,
		"The same for both halves of a move, else 0." },
	[INODE] = { "inode", BIGINT, "Its inode." },
	[UID] = { "uid", BIGINT, "User that owns it." },
	[GID] = { "gid", BIGINT, "Group that owns it." },
	[MODE] = { "mode", TEXT, "Its permissions, in octal." },
	[SIZE] = { "size", BIGINT, "Its size in bytes." },
	[ATIME] = { "atime", BIGINT, "Last access, in seconds since 1970." },
	[MTIME] = { "mtime", BIGINT, "Last change of the content, in seconds since 1970." },
	[CTIME] = { "ctime", BIGINT, "Last change of the inode, in seconds since 1970." },
	[MD5] = { "md5", TEXT,
		"MD5 of the content, computed when it is asked for, if it is still that of the "
		"event.",
		NOCASE, HASHES },
	[SHA1] = { "sha1", TEXT, "SHA-1 of the content, likewise.", NOCASE, HASHES },
	[SHA256] = { "sha256", TEXT, "SHA-256 of the content, likewise.", NOCASE, HASHES },
	[HASHED] = { "hashed", INTEGER,
		"1 if the digests were computed, -1 if that failed, 0 if it was not tried.", 0,
		HASHES },
	[TIME] = STORED_TIME,
	[EID] = STORED_EID,
	[PID] = { "pid", BIGINT, "Process that did it.", HIDDEN },
	[EXECUTABLE] = { "executable", TEXT, "Path of its executable.", HIDDEN },
	[CMDLINE] = { "cmdline", TEXT, "Its arguments, joined by blanks.", HIDDEN },
	[PROCESS_UID] = { "process_uid", BIGINT, "Its effective user id.", HIDDEN },
	[PROCESS_AUID] = { "process_auid", BIGINT, "User id of its login, 4294967295 without one.",
		HIDDEN },
	[PROCESS] = STORED_PROCESS,
	[OUTCOME] = STORED_OUTCOME,
	[CONTENT] = { "content", INTEGER,
		"1 if it was about the content of a file in a category without accesses, of which "
		"digests are computed.",
		HIDDEN },
};

// ---- listening ----

static uint32_t wanted(const struct flags *flags)
{
	return flags_bool(flags, "enable_file_events") ? (uint32_t) EVENTS_FILE : 0;
}

static void write_status(struct event_writer *writer, const struct event_file *file)
{
	char mode[16];

	if (file->mode == 0)
		return; // nothing is known of it
	event_row_integer(writer, INODE, (int64_t) file->inode);
	event_row_integer(writer, UID, file->uid);
	event_row_integer(writer, GID, file->gid);
	(void) snprintf(mode, sizeof(mode), "%04o", file->mode & 07777);
	event_row_string(writer, MODE, mode);
	if (file->size >= 0)
		event_row_integer(writer, SIZE, file->size);
	event_row_integer(writer, ATIME, file->atime);
	event_row_integer(writer, MTIME, file->mtime);
	event_row_integer(writer, CTIME, file->ctime);
}

static void write_process(struct event_writer *writer, const struct event_table_context *context,
	const struct event *event)
{
	const struct process *process = event->process;

	if (event->pid)
		event_row_integer(writer, PID, event->pid);
	if (event->ids.uid != UINT32_MAX) {
		event_row_integer(writer, PROCESS_UID, event->ids.euid);
		event_row_integer(writer, PROCESS_AUID, event->ids.auid);
	}
	if (process) {
		event_row_string(writer, EXECUTABLE, process->path);
		event_row_string(writer, CMDLINE, process->cmdline);
	}
	stored_write_process(writer, context, process, PROCESS);
}

// What a row is about: one name, and what became of it.
struct change {
	const char *path, *action;
	const struct event_category *categories;
	size_t n_categories;
	bool content; // it may have another one now
	bool there; // the file is there under that name
};

static void write_rows(struct event_writer *writer, const struct event_table_context *context,
	const struct event *event, const struct change *change)
{
	const struct event_file *file = &event->file;

	for (size_t i = 0; i < change->n_categories; i++) {
		const struct event_category *category = &change->categories[i];

		(void) event_row_begin(writer, event->time_ns / 1000000000);
		event_row_string(writer, TARGET_PATH, change->path);
		event_row_string(writer, CATEGORY, category->name);
		event_row_string(writer, ACTION, change->action);
		event_row_integer(writer, TRANSACTION_ID, (int64_t) file->cookie);
		if (change->there)
			write_status(writer, file);
		write_process(writer, context, event);
		stored_write_outcome(writer, event, OUTCOME);
		if (change->content && S_ISREG(file->mode) && !category->accesses)
			event_row_integer(writer, CONTENT, 1);
	}
}

static const struct {
	const char *action;
	bool content, there;
} actions[N_EVENT_KINDS] = {
	[EVENT_OPEN] = { "OPENED", false, true },
	[EVENT_CREATE] = { "CREATED", true, true },
	[EVENT_WRITE] = { "UPDATED", true, true },
	[EVENT_TRUNCATE] = { "UPDATED", true, true },
	[EVENT_UNLINK] = { "DELETED", false, false },
	[EVENT_LINK] = { "CREATED", true, true },
	[EVENT_SYMLINK] = { "CREATED", false, true },
	[EVENT_MKDIR] = { "CREATED", false, true },
	[EVENT_RMDIR] = { "DELETED", false, false },
	[EVENT_ATTRIBUTES] = { "ATTRIBUTES_MODIFIED", false, true },
};

static void hear_move(struct event_writer *writer, const struct event_table_context *context,
	const struct event *event)
{
	const struct event_file *file = &event->file;
	struct change from = { file->path, "MOVED_FROM", file->categories, file->n_categories,
		false, false };
	struct change to = { file->new_path, "MOVED_TO", file->new_categories,
		file->n_new_categories, true, true };

	write_rows(writer, context, event, &from);
	if (file->new_path)
		write_rows(writer, context, event, &to);
}

static void hear(struct event_writer *writer, const struct event_table_context *context,
	const struct event *event)
{
	const struct event_file *file = &event->file;
	// a link makes a new name, of a file that was there; of symbolic ones some sources tell
	// only it
	bool link = (event->kind == EVENT_LINK || event->kind == EVENT_SYMLINK) && file->new_path;
	struct change change = {
		.path = link ? file->new_path : file->path,
		.action = actions[event->kind].action,
		.categories = link ? file->new_categories : file->categories,
		.n_categories = link ? file->n_new_categories : file->n_categories,
		.content = actions[event->kind].content,
		.there = actions[event->kind].there,
	};

	if (event->kind == EVENT_RENAME)
		hear_move(writer, context, event);
	else if (change.action && change.path)
		write_rows(writer, context, event, &change);
}

// ---- digests ----

static int fetch(struct scan *scan, unsigned group, struct fault *why)
{
	const char *path = stored_text(scan, TARGET_PATH);
	unsigned kinds = (unsigned) scan_wants(scan, MD5) << DIGEST_MD5 |
		(unsigned) scan_wants(scan, SHA1) << DIGEST_SHA1 |
		(unsigned) scan_wants(scan, SHA256) << DIGEST_SHA256;
	int64_t content = 0, inode, mtime;
	struct digest digest;

	(void) group;
	(void) why;
	scan_integer(scan, HASHED, 0);
	if (!path || !stored_integer(scan, CONTENT, &content) ||
		!stored_integer(scan, INODE, &inode) || !stored_integer(scan, MTIME, &mtime))
		return 0;
	if (content_digest(scan, path, inode, mtime, kinds ? kinds : 1 << DIGEST_SHA256, &digest) <
		0) {
		scan_integer(scan, HASHED, -1);
		return 0;
	}
	scan_integer(scan, HASHED, 1);
	scan_text(scan, MD5, digest.hex[DIGEST_MD5]);
	scan_text(scan, SHA1, digest.hex[DIGEST_SHA1]);
	scan_text(scan, SHA256, digest.hex[DIGEST_SHA256]);
	return 0;
}

static const struct event_table listening = {
	.source = "inotify",
	.kinds = EVENTS_FILE,
	.wanted = wanted,
	.hear = hear,
};

const struct table table_file_events = {
	.name = "file_events",
	.about = "Changes of the files that the configuration names in file_paths, and who did it.",
	COLUMNS(columns),
	EXAMPLES("SELECT time, action, target_path, category FROM file_events",
		"SELECT action, target_path, pid, executable, cmdline, process_uid FROM "
		"file_events "
		"WHERE category = 'etc' AND time > unixepoch() - 3600"),
	STORED_ROWS,
	.fetch = fetch,
	.event = &listening,
};
