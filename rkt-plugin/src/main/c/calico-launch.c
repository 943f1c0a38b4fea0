/*
 * The program that a container runtime executes as calico, calico-ipam or calico-mesos. It hands the
 * request (program name, CNI_* variables, standard input, the opened network namespace) to
 * calico-node over a unix socket and prints the answer. The protocol is described in
 * calico-core, io.calico4j.core.plugin. Memory is bounded: it does not grow with the input.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_SOCKET "/run/calico/plugin.sock"
#define MAX_REQUEST (1 << 20)
#define MAX_ANSWER (1 << 20)
#define DEADLINE_SECONDS 120

extern char **environ;

static unsigned char request[MAX_REQUEST + 8];
static size_t request_length = 8;
static unsigned char answer[MAX_ANSWER];
static struct timespec deadline;
static int speaks_cni;

/* Prints an error in the caller's protocol and ends with exit status 1. */
static void fail(int code, const char *format, ...)
{
	char text[512];
	va_list arguments;
	size_t i;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	for (i = 0; text[i]; i++)
		if (text[i] == '"' || text[i] == '\\' || (unsigned char)text[i] < 32)
			text[i] = '\'';
	if (speaks_cni)
		printf("{\"cniVersion\":\"0.4.0\",\"code\":%d,\"msg\":\"%s\"}\n", code, text);
	else
		printf("{\"error\":\"%s\"}\n", text);
	fprintf(stderr, "%s\n", text);
	fflush(stdout);
	_exit(1);
}

static void put_bytes(const void *bytes, size_t length)
{
	if (length > MAX_REQUEST + 8 - request_length)
		fail(7, "the request is longer than %d bytes", MAX_REQUEST);
	memcpy(request + request_length, bytes, length);
	request_length += length;
}

static void put_number(size_t number)
{
	uint32_t little = (uint32_t)number;
	unsigned char bytes[4] = { little & 255, little >> 8 & 255, little >> 16 & 255, little >> 24 };

	put_bytes(bytes, 4);
}

static void put_text(const char *text)
{
	put_number(strlen(text));
	put_bytes(text, strlen(text));
}

static uint32_t number_at(const unsigned char *bytes)
{
	return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static int is_passed_on(const char *variable)
{
	return strncmp(variable, "CNI_", 4) == 0;
}

/* Appends standard input, and returns where it begins in the request. */
static size_t put_standard_input(void)
{
	size_t start = request_length + 4, length = 0;

	put_number(0);
	for (;;) {
		ssize_t got;

		if (start + length == sizeof request)
			fail(7, "standard input is longer than %d bytes", MAX_REQUEST);
		got = read(0, request + start + length, sizeof request - start - length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			fail(5, "standard input cannot be read: %s", strerror(errno));
		if (got == 0)
			break;
		length += (size_t)got;
	}
	request_length = start - 4;
	put_number(length);
	request_length += length;
	return start;
}

static int milliseconds_left(void)
{
	struct timespec now;
	long left;

	clock_gettime(CLOCK_MONOTONIC, &now);
	left = (deadline.tv_sec - now.tv_sec) * 1000 + (deadline.tv_nsec - now.tv_nsec) / 1000000;
	return left > 0 ? (int)left : 0;
}

static void wait_for(int fd, short events)
{
	struct pollfd poller = { fd, events, 0 };
	int ready;

	do {
		int left = milliseconds_left();

		ready = left ? poll(&poller, 1, left) : 0;
	} while (ready < 0 && errno == EINTR);
	if (ready <= 0)
		fail(11, "calico-node did not answer within %d s: see its log", DEADLINE_SECONDS);
}

/* Sends the request; the namespace goes with the first byte. */
static void send_request(int fd, int namespace_fd)
{
	size_t sent = 0;

	while (sent < request_length) {
		struct iovec part = { request + sent, request_length - sent };
		union {
			char bytes[CMSG_SPACE(sizeof(int))];
			struct cmsghdr align;
		} control;
		struct msghdr message = { 0 };
		ssize_t done;

		message.msg_iov = &part;
		message.msg_iovlen = 1;
		if (sent == 0 && namespace_fd >= 0) {
			struct cmsghdr *header;

			memset(&control, 0, sizeof control);
			message.msg_control = control.bytes;
			message.msg_controllen = sizeof control.bytes;
			header = CMSG_FIRSTHDR(&message);
			header->cmsg_level = SOL_SOCKET;
			header->cmsg_type = SCM_RIGHTS;
			header->cmsg_len = CMSG_LEN(sizeof(int));
			memcpy(CMSG_DATA(header), &namespace_fd, sizeof(int));
		}
		wait_for(fd, POLLOUT);
		done = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (done < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (done < 0)
			return; /* The server refused early: its answer says why. */
		sent += (size_t)done;
	}
}

static size_t receive_answer(int fd)
{
	size_t length = 0;

	for (;;) {
		ssize_t got;

		wait_for(fd, POLLIN);
		if (length == sizeof answer)
			fail(11, "calico-node's answer is longer than %d bytes", MAX_ANSWER);
		got = recv(fd, answer + length, sizeof answer - length, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return length;
		length += (size_t)got;
	}
}

static void write_all(int fd, const unsigned char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t done = write(fd, bytes, length);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			_exit(1);
		bytes += done;
		length -= (size_t)done;
	}
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof address.sun_path)
		fail(4, "the socket path %s is too long", path);
	strcpy(address.sun_path, path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		fail(11, "calico-node cannot be reached at %s (%s): start it, then try again", path,
		     strerror(errno));
	return fd;
}

int main(int argc, char **argv)
{
	const char *program = argc > 0 && strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	const char *path = getenv("CALICO_PLUGIN_SOCKET");
	const char *netns = getenv("CNI_NETNS");
	size_t length, count = 0, out, err;
	int fd, namespace_fd = -1, i;
	char **variable;

	speaks_cni = getenv("CNI_COMMAND") != NULL || strcmp(program, "calico-mesos") != 0;
	if (speaks_cni && getenv("CNI_COMMAND") == NULL) {
		fprintf(stderr, "%s: a CNI plugin of Calico4J; it is run by a container runtime, which"
			" sets CNI_COMMAND. Spec versions: 0.1.0 0.2.0 0.3.0 0.3.1 0.4.0\n", program);
		return 0;
	}
	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += DEADLINE_SECONDS;
	put_number(1);
	put_text(program);
	for (variable = environ; *variable; variable++)
		count += is_passed_on(*variable) ? 1 : 0;
	put_number(count);
	for (variable = environ; *variable; variable++)
		if (is_passed_on(*variable))
			put_text(*variable);
	put_standard_input();
	for (i = 0; i < 4; i++) {
		request[i] = (unsigned char)"C4J1"[i];
		request[4 + i] = (request_length - 8) >> (8 * i) & 255;
	}
	if (netns && *netns)
		namespace_fd = open(netns, O_RDONLY | O_CLOEXEC);
	fd = connect_to(path && *path ? path : DEFAULT_SOCKET);
	send_request(fd, namespace_fd);
	length = receive_answer(fd);
	out = length >= 8 ? number_at(answer + 4) : 0;
	err = length >= 12 && out <= length - 12 ? number_at(answer + 8 + out) : 0;
	if (length < 12 || out > length - 12 || err != length - 12 - out)
		fail(11, "calico-node ended before it answered: repeat the operation");
	write_all(2, answer + 12 + out, err);
	write_all(1, answer + 8, out);
	return (int)(number_at(answer) & 255);
}
