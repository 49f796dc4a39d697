/* What the kernel leaves to gain: a WebSocket server that does next to nothing.
 *
 * One epoll loop; a message is unmasked in place and written with one system call to
 * each receiver. It serves /echo and /room to `load.c` and to nobody else: it expects
 * that client's key, and texts of less than 64 KiB.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define SCRATCH (1u << 17)      /* bytes read at once, and those of a rest */

/* The answer to the key of RFC 6455, section 1.3. */
static const char ACCEPTED[] =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

struct conn {
    int fd, open, echoes;
    size_t place;                /* in `members` */
    uint8_t *rest;               /* what is no whole request or frame yet */
    size_t rest_size;
};

static int epoll_fd;
static struct conn **members;
static size_t member_count, member_capacity;
static uint8_t scratch[2 * SCRATCH];

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void watch(int fd, void *data) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = data};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event)) die("epoll_ctl");
}

/* Whoever does not read, or has gone, is given up: its own event tells. */
static void put(int fd, const uint8_t *data, size_t size) {
    if (send(fd, data, size, MSG_NOSIGNAL) != (ssize_t)size) shutdown(fd, SHUT_RDWR);
}

static void enter(struct conn *c) {
    if (member_count == member_capacity) {
        member_capacity = member_capacity ? 2 * member_capacity : 64;
        members = realloc(members, member_capacity * sizeof *members);
        if (!members) die("realloc");
    }
    c->place = member_count;
    members[member_count++] = c;
}

static void end(struct conn *c) {
    if (c->open && !c->echoes) {
        members[c->place] = members[--member_count];
        members[c->place]->place = c->place;
    }
    close(c->fd);
    free(c->rest);
    free(c);
}

/* Answer the request; return the bytes of it, or 0 when more is to come. */
static size_t answer(struct conn *c, uint8_t *data, size_t size) {
    uint8_t *last = memmem(data, size, "\r\n\r\n", 4);
    if (!last) return 0;
    c->echoes = size > 9 && !memcmp(data, "GET /echo", 9);
    c->open = 1;
    if (!c->echoes) enter(c);
    put(c->fd, (const uint8_t *)ACCEPTED, sizeof ACCEPTED - 1);
    return (size_t)(last + 4 - data);
}

/* Handle one frame; return the bytes of it, or 0 when more is to come, or the end. */
static size_t frame(struct conn *c, uint8_t *data, size_t size, int *ends) {
    size_t length, head;         /* a mask ends the header, and ours is shorter by it */
    if (size < 4) return 0;
    if (data[0] != 0x81 || data[1] == 255) {  /* its close frame, or none for us */
        *ends = 1;
        return 0;
    }
    length = data[1] & 127;
    head = length == 126 ? 8 : 6;
    if (length == 126) length = (size_t)data[2] << 8 | data[3];
    if (size < head + length) return 0;
    uint8_t *mask = data + head - 4, *text = data + head, *out = data + 4;
    for (size_t i = 0; i < length; i++) text[i] ^= mask[i % 4];
    memmove(out, data, head - 4);
    out[1] &= 127;
    if (c->echoes) put(c->fd, out, head - 4 + length);
    else for (size_t i = 0; i < member_count; i++) put(members[i]->fd, out, head - 4 + length);
    return head + length;
}

static void on_input(struct conn *c) {
    size_t size = c->rest_size, done = 0, step = 1;
    int ends = 0;
    if (size) memcpy(scratch, c->rest, size);
    ssize_t n = recv(c->fd, scratch + size, SCRATCH, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
        end(c);
        return;
    }
    for (size += (size_t)n; done < size && step && !ends; done += step) {
        uint8_t *data = scratch + done;
        step = c->open ? frame(c, data, size - done, &ends) : answer(c, data, size - done);
    }
    c->rest_size = size - done;
    if (ends || c->rest_size > SCRATCH) {
        static const uint8_t closing[] = {0x88, 2, 0x03, 0xE8};
        put(c->fd, closing, sizeof closing);
        end(c);
    } else if (c->rest_size) {
        c->rest = realloc(c->rest, c->rest_size);
        if (!c->rest) die("realloc");
        memcpy(c->rest, scratch + done, c->rest_size);
    }
}

static void let_in(int listener) {
    int one = 1, fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct conn *c = calloc(1, sizeof *c);
        if (!c) die("calloc");
        c->fd = fd;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        watch(fd, c);
    }
}

int main(int argc, char **argv) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    struct rlimit files;
    int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (argc != 2) return 2;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    address.sin_port = htons((uint16_t)atoi(argv[1]));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address)) die("bind");
    if (listen(listener, 2048)) die("listen");
    epoll_fd = epoll_create1(0);
    watch(listener, NULL);
    for (;;) {
        struct epoll_event events[256];
        int n = epoll_wait(epoll_fd, events, 256, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr) on_input(events[i].data.ptr);
            else let_in(listener);
        }
    }
}
