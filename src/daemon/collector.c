// SPDX-License-Identifier: Apache-2.0
// The collector: the role that records events. It runs no SQL, so that nobody's query can make it
// lose any.
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "collect/collect.h"
#include "config/config.h"
#include "daemon/found_paths.h"
#include "daemon/role.h"
#include "tables/tables.h"
#include "version.h"

enum {
	TURN_MS = 1000,
	TIDY_MS = 60000,
	LOOK_MS = 30000, // at what the runner has left in its store
	LOOK_SOONER_MS = 2000, // when that says what is to be watched
	KEPT_BYTES = 4 << 20, // of free memory
};

struct collector_role {
	const struct role_context *context;
	struct flags flags; // in force
	struct root root;
	struct config *config; // NULL: none could be loaded
	struct collection *collection;
	int64_t refresh_ms; // when the configuration is read again; INT64_MAX: never
	int64_t tidy_ms, look_ms;
	char *found_text; // what the queries of file_paths_query gave
	struct arena found; // the same, read
	const struct config_list *found_paths;
	size_t n_found_paths;
	volatile sig_atomic_t stop, reload; // set by signals
};

// The collector that signals mean.
static struct collector_role *running;

static void on_signal(int signal)
{
	if (signal == SIGTERM)
		running->stop = true;
	else if (signal == SIGHUP)
		running->reload = true;
}

static void catch_signals(struct collector_role *role)
{
	struct sigaction action = { .sa_handler = on_signal };

	running = role;
	(void) sigaction(SIGTERM, &action, NULL);
	(void) sigaction(SIGHUP, &action, NULL);
	(void) signal(SIGPIPE, SIG_IGN);
}

// The daemon may have given up its priority. What waits in the kernel would be lost while others
// have their turn.
static void raise_priority(void)
{
	enum { WHO_PROCESS = 1, CLASS_BEST_EFFORT = 2, CLASS_SHIFT = 13, LEVEL = 4 };

	(void) setpriority(PRIO_PROCESS, 0, 0);
	(void) syscall(SYS_ioprio_set, WHO_PROCESS, 0, CLASS_BEST_EFFORT << CLASS_SHIFT | LEVEL);
}

// ---- the configuration ----

static void fill_settings(const struct collector_role *role, struct collection_settings *settings)
{
	*settings = (struct collection_settings){
		.root = &role->root,
		.flags = &role->flags,
		.config = role->config,
		.tables = tables_all,
		.n_tables = n_tables_all,
		.folder = role->context->event_folder,
		.temporary = flags_bool(&role->flags, "disable_database"),
		.found_paths = role->found_paths,
		.n_found_paths = role->n_found_paths,
	};
}

// Puts a configuration in force; NULL is the empty one. What is wrong with it is said by the
// runner, which loads it too.
static void apply(struct collector_role *role, struct config *config)
{
	static const struct config none = { 0 };
	struct config *config_before = role->config;
	struct flags flags_before = role->flags;
	struct collection_settings settings;

	role->flags = (struct flags){ 0 };
	role->config = config;
	config_apply_options(config ? config : &none, role->context->flags, &role->flags);
	fill_settings(role, &settings);
	if (role->collection)
		collection_configure(role->collection, &settings);
	else
		role->collection = collection_open(&settings);
	config_free(config_before);
	flags_done(&flags_before);
}

static void plan_refresh(struct collector_role *role)
{
	int64_t interval_s = flags_integer(&role->flags, "config_refresh");

	role->refresh_ms = interval_s > 0 ? clock_ms() + clock_from_s(interval_s) : INT64_MAX;
}

static void load(struct collector_role *role)
{
	struct config *config = config_load(
		role->context->flags, HOSTQL_VERSION, role->config, NULL);

	if (config || !role->collection)
		apply(role, config);
	plan_refresh(role);
}

// ---- what the runner has left ----

// Whether the paths that its queries gave are others now.
static bool take_found_paths(struct collector_role *role, struct store *store)
{
	auto_free char *text = store_setting(store, FOUND_PATHS_SETTING);
	char *copy;

	if (strcmp(text ? text : "", role->found_text ? role->found_text : "") == 0)
		return false;
	arena_reset(&role->found);
	copy = arena_copy(&role->found, text ? text : "", text ? strlen(text) : 0);
	role->found_paths = found_paths_read(copy, &role->n_found_paths, &role->found);
	free(role->found_text);
	role->found_text = take(text);
	return true;
}

static void take_places(struct collector_role *role, struct store *store)
{
	struct arena arena = { 0 };
	struct place *places;
	struct fault why; // the runner has the same one, and says it
	size_t n;

	if (place_list(store, NULL, &places, &n, &arena, &why) >= 0)
		collection_set_places(role->collection, places, n);
	arena_done(&arena);
}

static void look(struct collector_role *role)
{
	struct collection_settings settings;
	struct fault why;
	struct store *store;

	if (flags_bool(&role->flags, "disable_database"))
		return;
	store = store_open(flags_string(&role->flags, "database_path"), STORE_READ, &why);
	if (!store)
		return; // it will be there later
	take_places(role, store);
	if (take_found_paths(role, store)) {
		fill_settings(role, &settings);
		collection_configure(role->collection, &settings);
	}
	store_close(store);
}

// ---- the loop ----

static void work(struct collector_role *role)
{
	while (!role->stop) {
		int64_t now_ms;

		collection_work(role->collection, TURN_MS);
		now_ms = clock_ms();
		atomic_store(&role->context->board->beat_ms, (uint64_t) now_ms);
		if (role->reload || now_ms >= role->refresh_ms) {
			role->reload = false;
			load(role);
		}
		if (now_ms >= role->look_ms) {
			role->look_ms = now_ms +
				(role->config && role->config->n_file_paths_query > 0
						? LOOK_SOONER_MS
						: LOOK_MS);
			look(role);
		}
		if (now_ms >= role->tidy_ms) {
			role->tidy_ms = now_ms + TIDY_MS;
			if (mallinfo2().fordblks > KEPT_BYTES)
				(void) malloc_trim(0);
		}
	}
}

static int run(const struct role_context *context)
{
	struct collector_role role = { .context = context, .root.fd = -1 };
	struct fault why;

	catch_signals(&role);
	raise_priority();
	if (root_open(&role.root, flags_string(context->flags, "host_root"), &why) < 0) {
		log_error("%s", why.text);
		return EXIT_CATASTROPHIC;
	}
	load(&role);
	(void) malloc_trim(0); // what opening took
	work(&role);
	collection_close(role.collection, flags_bool(&role.flags, "keep_pins"));
	config_free(role.config);
	flags_done(&role.flags);
	root_close(&role.root);
	free(role.found_text);
	arena_done(&role.found);
	return EXIT_STOP;
}

static bool is_needed(const struct flags *flags)
{
	return !flags_bool(flags, "disable_events");
}

const struct role role_collector = {
	.name = "collector",
	.run = run,
	.is_needed = is_needed,
	.unlimited = true,
};
