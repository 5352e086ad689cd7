// SPDX-License-Identifier: Apache-2.0
#include "events/pace.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

int pace_open(struct pace *pace, struct fault *why)
{
	struct epoll_event timer = { .events = EPOLLIN, .data.fd = -1 };

	*pace = (struct pace) PACE_CLOSED;
	pace->ready = epoll_create1(EPOLL_CLOEXEC);
	pace->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (pace->ready < 0 || pace->timer < 0 ||
		epoll_ctl(pace->ready, EPOLL_CTL_ADD, pace->timer, &timer) < 0) {
		int error = -errno;

		pace_close(pace);
		errno = -error;
		return fail(why, error, "cannot wait for events: %m");
	}
	return 0;
}

void pace_close(struct pace *pace)
{
	if (pace->ready >= 0)
		(void) close(pace->ready);
	if (pace->timer >= 0)
		(void) close(pace->timer);
	*pace = (struct pace) PACE_CLOSED;
}

int pace_watch(struct pace *pace, int fd, struct fault *why)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLONESHOT, .data.fd = fd };

	if (pace->watched >= 0)
		(void) epoll_ctl(pace->ready, EPOLL_CTL_DEL, pace->watched, NULL);
	pace->watched = -1;
	if (epoll_ctl(pace->ready, EPOLL_CTL_ADD, fd, &event) < 0)
		return fail(why, -errno, "cannot wait for events: %m");
	pace->watched = fd;
	pace->armed = true;
	return 0;
}

void pace_woken(struct pace *pace)
{
	struct epoll_event events[2];
	int n = epoll_wait(pace->ready, events, 2, 0);

	for (int i = 0; i < n; i++)
		if (events[i].data.fd >= 0)
			pace->armed = false; // it wakes only once
}

// Setting the timer also takes back that it has run out.
static void set_timer(const struct pace *pace, int ms)
{
	struct itimerspec when = { .it_value = { ms / 1000, ms % 1000 * 1000000L } };

	(void) timerfd_settime(pace->timer, 0, &when, NULL);
}

void pace_sleep(struct pace *pace, int ms)
{
	struct epoll_event event = { .events = 0, .data.fd = pace->watched };

	if (pace->armed && pace->watched >= 0)
		(void) epoll_ctl(pace->ready, EPOLL_CTL_MOD, pace->watched, &event);
	pace->armed = false;
	set_timer(pace, ms);
}

void pace_wait(struct pace *pace, int most_ms)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLONESHOT, .data.fd = pace->watched };

	if (!pace->armed && pace->watched >= 0) {
		(void) epoll_ctl(pace->ready, EPOLL_CTL_MOD, pace->watched, &event);
		pace->armed = true;
	}
	set_timer(pace, most_ms);
}
