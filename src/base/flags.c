// SPDX-License-Identifier: Apache-2.0
#include "base/flags.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/text.h"

enum { NESTING = 16 }; // flag files within flag files

struct parse {
	struct flags *flags;
	const char *undefined_ok; // --undefok: a comma list
	unsigned nesting;
};

static int take_setting(struct parse *parse, const char *argument, const char *next,
	bool *used_next, const char *place, struct fault *why);

void flags_done(struct flags *flags)
{
	for (size_t i = 0; i < n_flags; i++)
		free(flags->set[i]);
	for (size_t i = 0; i < flags->n_custom; i++) {
		free(flags->custom[i].name);
		free(flags->custom[i].value);
	}
	free(flags->custom);
	*flags = (struct flags){ 0 };
}

static void set_custom(struct flags *flags, const char *name, const char *value)
{
	for (size_t i = 0; i < flags->n_custom; i++) {
		if (strcmp(flags->custom[i].name, name) != 0)
			continue;
		free(flags->custom[i].value);
		flags->custom[i].value = must_dup(value);
		return;
	}
	flags->custom = must_resize(flags->custom, (flags->n_custom + 1) * sizeof(*flags->custom));
	flags->custom[flags->n_custom++] = (struct custom_flag){ must_dup(name), must_dup(value) };
}

void flags_copy(struct flags *copy, const struct flags *flags)
{
	for (size_t i = 0; i < n_flags; i++)
		if (flags->set[i])
			copy->set[i] = must_dup(flags->set[i]);
	for (size_t i = 0; i < flags->n_custom; i++)
		set_custom(copy, flags->custom[i].name, flags->custom[i].value);
}

static int compare_name(const void *key, const void *flag)
{
	return strcmp(key, ((const struct flag *) flag)->name);
}

static const struct flag *find_exact(const char *name)
{
	return bsearch(name, flag_list, n_flags, sizeof(flag_list[0]), compare_name);
}

const struct flag *flag_find(const char *name)
{
	for (size_t i = 0; i < n_flag_aliases; i++)
		if (strcmp(flag_aliases[i].name, name) == 0)
			return find_exact(flag_aliases[i].flag);
	return find_exact(name);
}

static bool parse_bool(const char *value, bool *result)
{
	static const char *const words[2][5] = {
		{ "false", "0", "f", "no", "n" },
		{ "true", "1", "t", "yes", "y" },
	};

	for (size_t truth = 0; truth < 2; truth++) {
		for (size_t i = 0; i < 5; i++) {
			if (strcasecmp(words[truth][i], value) == 0) {
				*result = truth;
				return true;
			}
		}
	}
	return false;
}

// The text that is stored for a value, or NULL if the flag's type does not allow it.
static char *normalize(const struct flag *flag, const char *value)
{
	uint64_t whole;
	int64_t number;
	bool truth;

	switch (flag->type) {
	case FLAG_BOOL:
		return parse_bool(value, &truth) ? must_dup(truth ? "true" : "false") : NULL;
	case FLAG_STRING:
		return must_dup(value);
	case FLAG_INT32:
		if (text_integer(value, 0, &number) < 0 || number < INT32_MIN || number > INT32_MAX)
			return NULL;
		break;
	case FLAG_UINT32:
		if (text_unsigned(value, 0, &whole) < 0 || whole > UINT32_MAX)
			return NULL;
		break;
	case FLAG_UINT64:
		if (text_unsigned(value, 0, &whole) < 0)
			return NULL;
		break;
	}
	return must_dup(value);
}

static const char *type_words(enum flag_type type)
{
	static const char *const words[] = {
		[FLAG_BOOL] = "true or false",
		[FLAG_STRING] = "text",
		[FLAG_INT32] = "a 32-bit integer",
		[FLAG_UINT32] = "a 32-bit number from 0",
		[FLAG_UINT64] = "a number from 0",
	};

	return words[type];
}

int flags_set(struct flags *flags, const char *name, const char *value, struct fault *why)
{
	const struct flag *flag = flag_find(name);
	char *text;

	if (!flag)
		return fail(why, -ENOENT, "unknown flag --%s", name);
	text = normalize(flag, value);
	if (!text)
		return fail(why, -EINVAL, "--%s=%s: the value must be %s", name, value,
			type_words(flag->type));
	if (strcmp(flag->name, "alarm_timeout") == 0 && strtoull(text, NULL, 0) < 10) {
		free(text);
		return fail(why, -EINVAL, "--%s=%s: the value must be at least 10", name, value);
	}
	free(flags->set[flag - flag_list]);
	flags->set[flag - flag_list] = text;
	return 0;
}

static const char *nearest_flag(const char *name)
{
	const char *nearest = NULL;
	unsigned best = 4;

	for (size_t i = 0; i < n_flags; i++) {
		unsigned distance = text_distance(name, flag_list[i].name);

		if (distance < best && distance < strlen(name)) {
			best = distance;
			nearest = flag_list[i].name;
		}
	}
	return nearest;
}

int flags_set_option(struct flags *flags, const char *name, const char *value, struct fault *why)
{
	const struct flag *flag = flag_find(name);
	const char *nearest;

	if (!flag && text_starts(name, "custom_")) {
		if (flags->n_custom == FLAGS_MAX)
			return fail(why, -E2BIG, "there are more than %d custom flags", FLAGS_MAX);
		set_custom(flags, name, value);
		return 0;
	}
	if (flag && flag->kind == FLAG_CLI)
		return fail(why, -EPERM, "--%s can only be set on the command line", name);
	if (flag)
		return flags_set(flags, name, value, why);
	nearest = nearest_flag(name);
	return fail(why, -ENOENT, "unknown flag --%s%s%s", name,
		nearest ? ", the nearest is --" : "", nearest ? nearest : "");
}

static int refuse_unknown(
	const struct parse *parse, const char *name, const char *place, struct fault *why)
{
	const char *nearest = nearest_flag(name);

	if (parse->undefined_ok && text_lists(parse->undefined_ok, name))
		return 0;
	if (nearest)
		return fail(why, -EINVAL, "%s: unknown flag --%s, the nearest is --%s", place, name,
			nearest);
	return fail(why, -EINVAL, "%s: unknown flag --%s", place, name);
}

static int read_file(struct parse *parse, const char *path, bool optional, struct fault *why)
{
	auto_fclose FILE *file = fopen(path, "re");
	auto_free char *line = NULL;
	size_t size = 0;
	unsigned number = 0;
	bool ours = true; // a line without a dash names the programs that the next lines are for

	if (!file && optional && (errno == ENOENT || errno == EACCES))
		return 0;
	if (!file)
		return fail(why, -errno, "flag file %s: %m", path);
	if (parse->nesting >= NESTING)
		return fail(why, -ELOOP, "flag file %s: more than %d files name each other", path,
			NESTING);

	parse->nesting++;
	while (getline(&line, &size, file) >= 0) {
		char *setting = text_trim(line);
		char place[256];
		bool used_next;
		int r;

		number++;
		if (*setting == '\0' || *setting == '#')
			continue;
		if (*setting != '-') {
			ours = strstr(setting, "osquery") || strchr(setting, '*');
			continue;
		}
		if (!ours)
			continue;
		(void) snprintf(place, sizeof(place), "%s:%u", path, number);
		r = take_setting(parse, setting, NULL, &used_next, place, why);
		if (r < 0)
			return r;
	}
	parse->nesting--;
	return 0;
}

// --fromenv=a,b takes the values of FLAGS_a and FLAGS_b; --tryfromenv those that are there.
static int take_environment(
	struct parse *parse, const char *list, bool optional, const char *place, struct fault *why)
{
	auto_free char *names = must_dup(list);
	char *rest = names;
	char *name;

	while ((name = text_word(&rest, ","))) {
		char variable[128];
		const char *value;
		int r;

		(void) snprintf(variable, sizeof(variable), "FLAGS_%s", name);
		value = getenv(variable);
		if (!value && optional)
			continue;
		if (!value)
			return fail(why, -ENOENT, "%s: --fromenv: %s is not set", place, variable);
		r = flags_set(parse->flags, name, value, why);
		if (r < 0)
			return r;
	}
	return 0;
}

// The settings that are about settings. 1 if `name` is one of them.
static int take_builtin(struct parse *parse, const char *name, const char *value, const char *place,
	struct fault *why)
{
	int r;

	if (strcmp(name, "flagfile") == 0)
		r = read_file(parse, value, false, why);
	else if (strcmp(name, "undefok") == 0)
		r = 0; // read in advance
	else if (strcmp(name, "fromenv") == 0)
		r = take_environment(parse, value, false, place, why);
	else if (strcmp(name, "tryfromenv") == 0)
		r = take_environment(parse, value, true, place, why);
	else
		return 0;
	return r < 0 ? r : 1;
}

static bool is_builtin(const char *name)
{
	return strcmp(name, "flagfile") == 0 || strcmp(name, "undefok") == 0 ||
		strcmp(name, "fromenv") == 0 || strcmp(name, "tryfromenv") == 0;
}

// Takes one setting: "--name=value", "--name" with its value in `next`, "--noname". `place` says
// where it stands.
static int take_setting(struct parse *parse, const char *argument, const char *next,
	bool *used_next, const char *place, struct fault *why)
{
	auto_free char *name = must_dup(argument + strspn(argument, "-"));
	char *equals = strchr(name, '=');
	const char *value = equals ? equals + 1 : NULL;
	const struct flag *flag;
	struct fault reason = { 0 };
	int r;

	*used_next = false;
	if (equals)
		*equals = '\0';

	flag = flag_find(name);
	if (!flag && !value && text_starts(name, "no")) {
		const struct flag *negated = flag_find(name + 2);

		if (negated && negated->type == FLAG_BOOL)
			return flags_set(parse->flags, negated->name, "false", why);
	}
	if (!flag && !is_builtin(name))
		return refuse_unknown(parse, name, place, why);
	if (flag && flag->type == FLAG_BOOL && !value)
		value = "true";
	if (!value && next) {
		value = next;
		*used_next = true;
	}
	if (!value)
		return fail(why, -EINVAL, "%s: --%s needs a value", place, name);

	if (!flag) {
		r = take_builtin(parse, name, value, place, why);
		return r < 0 ? r : 0;
	}
	r = flags_set(parse->flags, name, value, &reason);
	return r < 0 ? fail(why, r, "%s: %s", place, reason.text) : 0;
}

static const char *find_undefined_ok(char **arguments)
{
	for (; *arguments; arguments++) {
		const char *name = *arguments + strspn(*arguments, "-");

		if (**arguments == '-' && text_starts(name, "undefok="))
			return name + strlen("undefok=");
	}
	return NULL;
}

int flags_parse(struct flags *flags, int *argc, char **argv, struct fault *why)
{
	struct parse parse = { .flags = flags, .undefined_ok = find_undefined_ok(argv + 1) };
	int kept = 1;
	int at;

	for (at = 1; at < *argc; at++) {
		bool used_next;
		int r;

		if (argv[at][0] != '-' || argv[at][1] == '\0') {
			argv[kept++] = argv[at];
			continue;
		}
		if (strcmp(argv[at], "--") == 0) {
			at++;
			break;
		}
		r = take_setting(&parse, argv[at], argv[at + 1], &used_next, "command line", why);
		if (r < 0)
			return r;
		at += used_next;
	}
	for (; at < *argc; at++)
		argv[kept++] = argv[at];
	argv[kept] = NULL;
	*argc = kept;
	return 0;
}

int flags_read_file(struct flags *flags, const char *path, bool optional, struct fault *why)
{
	struct parse parse = { .flags = flags };

	return read_file(&parse, path, optional, why);
}

static size_t must_find(const char *name)
{
	const struct flag *flag = find_exact(name);

	if (!flag) {
		fprintf(stderr, "flag %s is asked for but not in the list\n", name);
		abort();
	}
	return (size_t) (flag - flag_list);
}

const char *flags_string(const struct flags *flags, const char *name)
{
	size_t at = must_find(name);

	return flags->set[at] ? flags->set[at] : flag_list[at].initial;
}

bool flags_bool(const struct flags *flags, const char *name)
{
	return flags_string(flags, name)[0] == 't';
}

int64_t flags_integer(const struct flags *flags, const char *name)
{
	const char *value = flags_string(flags, name);

	// of the unsigned 64-bit ones nothing above the largest signed number makes sense anywhere
	return value[0] == '-' ? strtoll(value, NULL, 0)
			       : (int64_t) (strtoull(value, NULL, 0) & INT64_MAX);
}

bool flags_is_set(const struct flags *flags, const char *name)
{
	return flags->set[must_find(name)] != NULL;
}
