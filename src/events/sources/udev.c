// SPDX-License-Identifier: Apache-2.0
// Devices: from udevd where it runs, as it knows their names and makers, else from the kernel.
#include <errno.h>
#include <limits.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

#include "base/base.h"
#include "base/clock.h"
#include "events/source.h"
#include "events/uevent.h"

enum {
	OF_KERNEL = 1, // groups of the protocol
	OF_UDEVD = 2,
	ROOM_BYTES = 4 << 20,
	MESSAGE_BYTES = 16 << 10,
	CHECK_MS = 10000, // whether udevd runs by now
	READ_MS = 5,
};

struct state {
	int group;
	bool opened;
	struct arena arena;
};

static bool is_wanted(const struct event_settings *settings, uint32_t kinds)
{
	(void) settings;
	return kinds != 0;
}

// ---- opening ----

static int best_group(void)
{
	return access("/run/udev/control", F_OK) == 0 ? OF_UDEVD : OF_KERNEL;
}

static int join(struct source *source, struct state *state, struct fault *why)
{
	int group = best_group();

	if (state->group == group)
		return 0;
	if (state->group)
		(void) setsockopt(source->fd, SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, &state->group,
			sizeof(state->group));
	if (setsockopt(source->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		return fail(why, -errno, "udev: the kernel does not let us listen: %m");
	state->group = group;
	(void) snprintf(source->choice, sizeof(source->choice), "%s",
		group == OF_UDEVD ? "listens to udevd"
				  : "listens to the kernel: udevd does not run");
	return 0;
}

static int open_source(struct source *source, const char *position, struct fault *why)
{
	struct state *state = source->state;
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	auto_close int fd = socket(
		AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
	int room_bytes = ROOM_BYTES, yes = 1, r;

	(void) position; // nothing is kept
	if (fd < 0)
		return fail(why, -errno, "udev: the kernel tells of no devices: %m");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room_bytes, sizeof(room_bytes)) < 0)
		(void) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room_bytes, sizeof(room_bytes));
	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)) < 0 ||
		bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
		return fail(why, -errno, "udev: %m");
	source->fd = fd;
	r = join(source, state, why);
	if (r < 0) {
		source->fd = -1;
		return r;
	}
	source->fd = take_fd(&fd);
	source->period_ms = CHECK_MS;
	state->opened = true;
	return 0;
}

// ---- reading ----

// Anybody may send to a netlink socket. What claims to be of the kernel must be; udevd is root.
static bool is_trusted(const struct msghdr *message)
{
	const struct sockaddr_nl *from = message->msg_name;
	struct cmsghdr *control = CMSG_FIRSTHDR(message);
	struct ucred sender;

	if (!control || control->cmsg_level != SOL_SOCKET ||
		control->cmsg_type != SCM_CREDENTIALS ||
		control->cmsg_len < CMSG_LEN(sizeof(sender)))
		return false;
	memcpy(&sender, CMSG_DATA(control), sizeof(sender));
	return sender.uid == 0 &&
		(from->nl_groups == 1U << (OF_UDEVD - 1) ||
			(from->nl_groups == 1U << (OF_KERNEL - 1) && from->nl_pid == 0));
}

// The kernel tells the driver only when it is bound; else its name is that of a link.
static void add_driver(struct arena *arena, struct uevent *uevent)
{
	const char *driver = uevent_field(uevent, "DRIVER");
	const char *path = uevent_field(uevent, "DEVPATH");
	char link[PATH_MAX], target[PATH_MAX];
	ssize_t length = -1;

	if (!driver && path && path[0] == '/' && !strstr(path, "/../") && strlen(path) < 2048) {
		(void) snprintf(link, sizeof(link), "/sys%s/driver", path);
		length = readlink(link, target, sizeof(target) - 1);
	}
	if (length > 0) {
		target[length] = '\0';
		driver = strrchr(target, '/');
		driver = driver ? arena_printf(arena, "%s", driver + 1) : NULL;
	}
	if (driver)
		uevent_add(uevent, "driver", driver);
	uevent->fields[uevent->n] = (struct event_field){ NULL, NULL };
}

static void give(struct source *source, struct state *state, const char *bytes, size_t length)
{
	struct uevent uevent;
	struct event event = {
		.kind = EVENT_DEVICE,
		.time_ns = clock_read_ms(CLOCK_REALTIME) * 1000000,
		.uptime_ns = clock_read_ms(CLOCK_BOOTTIME) * 1000000,
		.duration_ns = -1,
		.fd = -1,
		.record.message = "",
		.record.fields = uevent.fields,
	};

	if (uevent_read(bytes, length, &state->arena, &uevent)) {
		add_driver(&state->arena, &uevent);
		source_give(source, &event);
	}
	arena_reset(&state->arena);
}

// 1: one was read; 0: there is none.
static int read_one(struct source *source, struct state *state, struct fault *why)
{
	char bytes[MESSAGE_BYTES];
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct ucred))];
	struct sockaddr_nl from = { 0 };
	struct iovec part = { bytes, sizeof(bytes) };
	struct msghdr message = { .msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control) };
	ssize_t length = recvmsg(source->fd, &message, 0);

	if (length < 0 && errno == ENOBUFS) {
		source->counts.dropped_kernel++; // the kernel does not say how many
		return 1;
	}
	if (length < 0)
		return errno == EAGAIN || errno == EINTR
			? 0
			: fail(why, -errno, "udev: cannot read: %m");
	if (!(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) && is_trusted(&message))
		give(source, state, bytes, (size_t) length);
	return 1;
}

static int read_source(struct source *source, struct fault *why)
{
	struct state *state = source->state;
	int64_t end_ms = clock_ms() + READ_MS;
	int r;

	do {
		r = read_one(source, state, why);
	} while (r > 0 && clock_ms() < end_ms);
	return r != 0 ? r : join(source, state, why);
}

static void close_source(struct source *source, bool keep)
{
	struct state *state = source->state;

	(void) keep;
	if (!state->opened)
		return;
	(void) close(source->fd);
	arena_done(&state->arena);
}

const struct event_source event_source_udev = {
	.name = "udev",
	.about = "Devices that come, go and change, from udevd or the kernel.",
	.order = 10,
	.kinds = EVENT_BIT(EVENT_DEVICE),
	.state_bytes = sizeof(struct state),
	.is_wanted = is_wanted,
	.open = open_source,
	.read = read_source,
	.close = close_source,
};
