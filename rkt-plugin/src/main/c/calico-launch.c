/*
 * The program that a container runtime executes as calico, calico-ipam or calico-mesos. It hands the
 * request (program name, CNI_* variables, standard input, the opened network namespace) to
 * calico-node over a unix socket and prints the answer. It waits for a calico-node that is starting,
 * and sends the request again when one ends before it answers; where none runs it becomes
 * DEST/lib/calico-cni, which does the same work in a process of its own. The protocol is described
 * in calico-core, io.calico4j.core.plugin. Memory is bounded: it does not grow with the input.
 * Signals keep their default action: calico-cni is this very process, and calico-node sees a caller
 * that dies, does not begin what it has not begun and finishes the rest for the DEL that follows.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* CALICO_HOME, the installation, is given by the compiler's command line. */
#define DEFAULT_SOCKET "/run/calico/plugin.sock"
#define HEADER 8
#define MAX_BYTES (1 << 20)
#ifndef DEADLINE_SECONDS
#define DEADLINE_SECONDS 120
#endif
/* How long calico-node may start, and how long it may be away before this program works without it. */
#define STARTING_SECONDS 60
#define AWAY_SECONDS 10
#define MAX_SENDS 4
#define LATE "calico-node did not answer within %d s: see its log"

static unsigned char request[HEADER + MAX_BYTES + 1], answer[MAX_BYTES + 1]; /* one more tells too long */
static size_t request_length = HEADER;
static struct timespec deadline;
static int speaks_cni;
static char presence[128]; /* the file that calico-node locks for its life, beside the socket */

/* Prints an error in the caller's protocol and ends with exit status 1. */
static void fail(int code, const char *format, ...)
{
	char text[512], *c;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	for (c = text; *c; c++)
		if (*c == '"' || *c == '\\' || (unsigned char)*c < 32)
			*c = '\'';
	if (speaks_cni)
		printf("{\"cniVersion\":\"0.4.0\",\"code\":%d,\"msg\":\"%s\"}\n", code, text);
	else
		printf("{\"error\":\"%s\"}\n", text);
	fprintf(stderr, "%s\n", text);
	exit(1);
}

static void set_number(unsigned char *at, size_t number)
{
	memcpy(at, &(uint32_t){ htole32(number) }, 4);
}

static uint32_t number_at(const unsigned char *at)
{
	return at[0] | at[1] << 8 | at[2] << 16 | (uint32_t)at[3] << 24;
}

/* Lengthens the request, and returns where the new bytes belong. */
static unsigned char *more(size_t length)
{
	if (length >= sizeof request - request_length)
		fail(7, "the request is longer than %d bytes", MAX_BYTES);
	request_length += length;
	return request + request_length - length;
}

static void put_text(const char *text)
{
	size_t length = strlen(text);

	set_number(more(4), length);
	memcpy(more(length), text, length);
}

/* Waits until a descriptor is ready; at the deadline fails with a message, or silently with none. */
static void wait_for(int fd, short events, int code, const char *message)
{
	struct pollfd poller = { fd, events, 0 };
	struct timespec now;
	long left;
	int ready;

	do {
		clock_gettime(CLOCK_MONOTONIC, &now);
		left = (deadline.tv_sec - now.tv_sec) * 1000 + (deadline.tv_nsec - now.tv_nsec) / 1000000;
		ready = left > 0 ? poll(&poller, 1, (int)left) : 0;
	} while (ready < 0 && errno == EINTR);
	if (ready <= 0)
		message ? fail(code, message, DEADLINE_SECONDS) : _exit(1);
}

/* Appends standard input, and returns where it begins in the request. */
static size_t put_standard_input(void)
{
	size_t start;
	ssize_t got;

	more(4);
	start = request_length;
	do {
		wait_for(0, POLLIN, 5, "standard input did not end within %d s: close it");
		if (request_length == sizeof request)
			fail(7, "standard input is longer than %d bytes", MAX_BYTES);
		got = read(0, request + request_length, sizeof request - request_length);
		if (got < 0 && errno != EINTR && errno != EAGAIN)
			fail(5, "standard input cannot be read: %s", strerror(errno));
		request_length += got > 0 ? (size_t)got : 0;
	} while (got != 0);
	set_number(request + start - 4, request_length - start);
	return start;
}

/* A pipe that is ready takes PIPE_BUF bytes without waiting. */
static void write_all(int fd, const unsigned char *bytes, size_t length)
{
	ssize_t done;

	for (; length > 0; bytes += done, length -= (size_t)done) {
		wait_for(fd, POLLOUT, 0, NULL);
		done = write(fd, bytes, length < PIPE_BUF ? length : PIPE_BUF);
		if (done < 0 && errno != EINTR && errno != EAGAIN)
			_exit(1);
		done = done < 0 ? 0 : done;
	}
}

/* Sends the request; the namespace goes with the first byte. */
static void send_request(int fd, int namespace_fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr header;
	} control = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	size_t sent = 0;

	memcpy(CMSG_DATA(&control.header), &namespace_fd, sizeof(int));
	while (sent < request_length) {
		struct iovec part = { request + sent, request_length - sent };
		struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
		ssize_t done;

		if (sent == 0 && namespace_fd >= 0) {
			message.msg_control = &control;
			message.msg_controllen = sizeof control;
		}
		wait_for(fd, POLLOUT, 11, LATE);
		done = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (done < 0 && errno != EINTR && errno != EAGAIN)
			return; /* The server refused early: its answer says why. */
		sent += done > 0 ? (size_t)done : 0;
	}
}

/* Becomes lib/calico-cni, beside the bin/ this was started from or else of the installation. */
static void run_alone(const char *program, size_t input)
{
	char own[4096], path[4200];
	ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
	int fd = memfd_create("standard-input", MFD_CLOEXEC), i;

	if (fd >= 0)
		write_all(fd, request + input, request_length - input);
	if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0 || dup2(fd, 0) < 0)
		fail(5, "the request cannot be passed on: %s", strerror(errno));
	own[length > 0 ? length : 0] = 0;
	for (i = 0; i < 2 && strrchr(own, '/'); i++)
		*strrchr(own, '/') = 0;
	snprintf(path, sizeof path, "%s/lib/calico-cni", own);
	execl(path, path, program, (char *)NULL);
	execl(CALICO_HOME "/lib/calico-cni", "calico-cni", program, (char *)NULL);
}

/* Tells of calico-node: it lives, or it was here since the host started, or it does not belong here. */
static enum { ABSENT, AWAY, ALIVE } look_for_node(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(presence, O_RDWR | O_CLOEXEC);
	off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);

	if (fd < 0 || fcntl(fd, F_GETLK, &lock) < 0)
		lock.l_type = F_UNLCK;
	if (fd >= 0)
		close(fd);
	return lock.l_type != F_UNLCK ? ALIVE : size > 0 ? AWAY : ABSENT;
}

/* Notes that calico-node does not come back, so that later requests do not wait for it. */
static void forget_node(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(presence, O_RDWR | O_CLOEXEC);

	if (fd >= 0 && fcntl(fd, F_SETLK, &lock) == 0 && ftruncate(fd, 0) < 0)
		unlink(presence);
	if (fd >= 0)
		close(fd);
}

/* Connects, and waits for a calico-node that is starting or was there a moment ago; -1 without one. */
static int reach_node(const struct sockaddr_un *address, int was_there)
{
	const char *command = getenv("CNI_COMMAND");
	struct timeval limit = { DEADLINE_SECONDS, 0 };
	struct timespec now;
	time_t started = 0, seen = 0;
	int fd, state;

	for (;; poll(NULL, 0, 50)) {
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit); /* of connect, in a long queue */
		if (fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) == 0)
			return fd;
		if (fd < 0 || (errno != ENOENT && errno != ECONNREFUSED))
			fail(errno == EACCES ? 4 : 11, "no calico-node at %s: %s: start it; only root may call it",
				address->sun_path, strerror(errno));
		close(fd);
		state = look_for_node();
		clock_gettime(CLOCK_MONOTONIC, &now);
		started = started ? started : now.tv_sec;
		if (!seen || state == ALIVE)
			seen = now.tv_sec;
		if (command && strcmp(command, "STATUS") == 0) {
			if (state == ALIVE)
				fail(50, "calico-node is starting and does not listen at %s yet", address->sun_path);
			return -1;
		}
		if (state == ABSENT && !was_there)
			return -1;
		if (now.tv_sec - seen >= AWAY_SECONDS) {
			forget_node();
			return -1;
		}
		if (now.tv_sec - started >= STARTING_SECONDS && command && strcmp(command, "DEL") == 0)
			return -1;
		if (now.tv_sec - started >= STARTING_SECONDS || now.tv_sec >= deadline.tv_sec)
			fail(11, "calico-node is starting and did not listen at %s within %d s: see its log",
				address->sun_path, (int)(now.tv_sec - started));
	}
}

/* Reads the answer until the connection ends, and returns its length. */
static size_t receive_answer(int fd)
{
	size_t length = 0;
	ssize_t got;

	do {
		wait_for(fd, POLLIN, 11, LATE);
		if (length == sizeof answer)
			fail(11, "calico-node's answer is longer than %d bytes", MAX_BYTES);
		got = recv(fd, answer + length, sizeof answer - length, 0);
		length += got > 0 ? (size_t)got : 0;
	} while (got > 0 || (got < 0 && errno == EINTR));
	return length;
}

int main(void)
{
	const char *program = program_invocation_short_name, *command = getenv("CNI_COMMAND");
	const char *path = getenv("CALICO_PLUGIN_SOCKET"), *netns = getenv("CNI_NETNS");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = 0, input, count = 0, out, err;
	int fd, namespace_fd = -1, sends, complete = 0;
	unsigned char *counted;
	char **variable, *slash;

	speaks_cni = command || strcmp(program, "calico-mesos") != 0;
	if (speaks_cni && !command) {
		fprintf(stderr, "%s: a CNI plugin of Calico4J; container runtimes run it, with CNI_COMMAND set;"
			" CNI_COMMAND=VERSION tells the spec versions\n", program);
		return 0;
	}
	path = path && *path ? path : DEFAULT_SOCKET;
	if ((size_t)snprintf(address.sun_path, sizeof address.sun_path, "%s", path) >= sizeof address.sun_path)
		fail(4, "the socket path %s is too long", path);
	strcpy(presence, path);
	slash = strrchr(presence, '/');
	strcpy(slash ? slash + 1 : presence, "agent.lock");
	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += DEADLINE_SECONDS;
	set_number(more(4), 1);
	put_text(program);
	counted = more(4);
	for (variable = environ; *variable; variable++)
		if (strncmp(*variable, "CNI_", 4) == 0 && ++count)
			put_text(*variable);
	set_number(counted, count);
	input = put_standard_input();
	memcpy(request, "C4J1", 4);
	set_number(request + 4, request_length - HEADER);
	if (netns && *netns)
		namespace_fd = open(netns, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	for (sends = 0; sends < MAX_SENDS && !complete; sends++) {
		fd = reach_node(&address, sends > 0);
		if (fd < 0) {
			if (!getenv("CALICO_HANDED_OVER"))
				run_alone(program, input);
			fail(11, "no calico-node at %s: %s: start it", path, strerror(errno));
		}
		send_request(fd, namespace_fd);
		length = receive_answer(fd);
		close(fd);
		out = length >= 8 ? number_at(answer + 4) : 0;
		err = length >= 12 && out <= length - 12 ? number_at(answer + 8 + out) : 0;
		complete = length >= 12 && out <= length - 12 && err == length - 12 - out && number_at(answer) <= 255;
	}
	if (!complete)
		fail(11, "calico-node ended before it answered, %d times: see its log", MAX_SENDS);
	write_all(2, answer + 12 + out, err);
	write_all(1, answer + 8, out);
	return (int)number_at(answer);
}
