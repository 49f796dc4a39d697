/* The load client of the benchmarks: many WebSocket connections in one thread.
 *
 * One epoll loop, no allocation and no system call beyond recv and send for a
 * message, so that the server is what gets measured. A run has five phases:
 *
 *   CONNECT  open every connection and finish its handshake
 *   PROBE    (rooms) one member speaks until everybody hears the same message,
 *            so that a join which the server has yet to do is not taken for a loss
 *   WARM     the load runs, nothing is counted
 *   RUN      the load is counted, together with the CPU time of the server
 *   over     one JSON object is written to stdout
 *
 * Modes: echo, fanout, chat, churn, idle; see `usage`. Only complete, unmasked
 * frames are expected from the server; anything else ends the run with an error.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_CONNECTING 100       /* handshakes under way at once */
#define SCRATCH (1u << 20)       /* bytes read at once, a rest included */
#define NUMBER 8                 /* hex digits at the start of each text */
#define LATENCIES 2000000        /* histogram of microseconds, one bucket each */
#define HEARD_ALL_WAIT 0.1       /* seconds before another probe is sent, then twice that... */
#define SPAN 0.1                 /* seconds over which the lowest rate is taken */

/* The key and its answer are the example of RFC 6455, section 1.3. */
static const char KEY[] = "dGhlIHNhbXBsZSBub25jZQ==";
static const char ANSWER[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

enum mode { ECHO, FANOUT, CHAT, CHURN, IDLE };
enum phase { CONNECT, PROBE, WARM, RUN };
enum state { CLOSED, CONNECTING, HANDSHAKE, GREETING, OPEN, CLOSING };

struct conn {
    int fd, index, asleep, blocked;
    enum state state;
    uint8_t *rest;               /* the beginning of an incomplete frame */
    size_t rest_size;
    uint8_t *out;                /* what the socket did not take yet */
    size_t out_size, out_capacity;
    size_t due;                  /* messages to send at the end of this turn */
    uint64_t heard;              /* messages received in WARM and RUN */
    uint32_t probe;              /* the newest probe heard */
    double sent_at;              /* seconds; echo and chat: one in flight */
    double began_at;             /* seconds; churn */
};

static struct {
    enum mode mode;
    const char *host, *path, *prefix, *suffix, *greeting;
    int port, pid, asleep;
    size_t connections, speakers, in_flight, bytes;
    double seconds, warm_up;
    char headers[4096];
} option = {.prefix = "", .suffix = "", .connections = 1, .speakers = 1,
            .in_flight = 1, .bytes = 64, .seconds = 1, .warm_up = 0.2};

static struct conn *conns;
static struct conn **due_list;
static size_t due_count, opened, connecting, ready;
static int epoll_fd;
static enum phase phase = CONNECT;
static uint8_t scratch[SCRATCH];
static uint8_t *frame;           /* the masked frame that is sent again and again */
static size_t frame_size, head_size, prefix_size;
static struct sockaddr_in address;

static uint64_t messages, deliveries;
static uint64_t *delivered_to;   /* fan-out: receivers so far, by number % in_flight */
static double *spoken_at;        /* fan-out: seconds, likewise */
static uint32_t *latencies;
static double latency_max;
static uint64_t spoken;          /* fan-out: messages sent by the speaker */
static uint32_t probe;           /* the number of the newest probe */
static size_t probe_heard;
static double probe_sent_at, span_ends, lowest_rate = -1, longest_gap, last_done;
static uint64_t span_began_with;

static void die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

/* CPU seconds used so far by all threads of a process; 0 is this one. */
static double cpu_seconds(int pid) {
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t)) return 0;
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void watch(struct conn *c, int operation, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = c};
    if (epoll_ctl(epoll_fd, operation, c->fd, &event)) die("epoll_ctl: %m");
}

static void write_bytes(struct conn *c, const void *data, size_t size) {
    if (!c->blocked) {
        ssize_t n = send(c->fd, data, size, MSG_NOSIGNAL);
        if (n == (ssize_t)size) return;
        if (n < 0) {
            if (errno != EAGAIN) {
                if (c->asleep || c->state == CLOSING) return;
                die("connection %d: send: %m", c->index);
            }
            n = 0;
        }
        data = (const uint8_t *)data + n;
        size -= n;
        c->blocked = 1;
        watch(c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
    }
    if (c->out_size + size > c->out_capacity) {
        c->out_capacity = (c->out_size + size) * 2;
        c->out = realloc(c->out, c->out_capacity);
        if (!c->out) die("out of memory");
    }
    memmove(c->out + c->out_size, data, size);  /* `data` may lie in `out` itself */
    c->out_size += size;
}

static void write_rest(struct conn *c) {
    size_t size = c->out_size;
    c->blocked = 0;
    c->out_size = 0;
    watch(c, EPOLL_CTL_MOD, EPOLLIN);
    write_bytes(c, c->out, size);
}

/* Masks with a key that is not zero, so that the server has to unmask. */
static size_t build_frame(uint8_t *to, int opcode, const void *data, size_t size) {
    static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    size_t head = 2;
    to[0] = 0x80 | opcode;
    if (size < 126) {
        to[1] = 0x80 | size;
    } else if (size < 65536) {
        to[1] = 0x80 | 126;
        to[2] = size >> 8;
        to[3] = size;
        head = 4;
    } else {
        to[1] = 0x80 | 127;
        for (int i = 0; i < 8; i++) to[2 + i] = (uint64_t)size >> (56 - 8 * i);
        head = 10;
    }
    memcpy(to + head, mask, 4);
    head += 4;
    for (size_t i = 0; i < size; i++) to[head + i] = ((const uint8_t *)data)[i] ^ mask[i & 3];
    head_size = head;
    return head + size;
}

/* The text: prefix, a number of eight hex digits, filling, suffix. */
static void prepare_frame(void) {
    size_t suffix_size = strlen(option.suffix), size;
    prefix_size = strlen(option.prefix);
    size = prefix_size + option.bytes + suffix_size;
    uint8_t *text = malloc(size);
    frame = malloc(size + 14);
    if (!text || !frame) die("out of memory");
    memcpy(text, option.prefix, prefix_size);
    memset(text + prefix_size, 'x', option.bytes);
    memset(text + prefix_size, '0', NUMBER);
    memcpy(text + prefix_size + option.bytes, option.suffix, suffix_size);
    frame_size = build_frame(frame, 1, text, size);
    free(text);
}

static void number_frame(uint32_t number) {
    static const char digits[] = "0123456789abcdef";
    const uint8_t *mask = frame + head_size - 4;
    for (size_t i = 0; i < NUMBER; i++) {
        size_t at = prefix_size + i;
        frame[head_size + at] = digits[number >> (28 - 4 * i) & 15] ^ mask[at & 3];
    }
}

static uint32_t read_number(const uint8_t *text) {
    uint32_t number = 0;
    for (size_t i = prefix_size; i < prefix_size + NUMBER; i++)
        number = number << 4 | (text[i] <= '9' ? text[i] - '0' : text[i] - 'a' + 10);
    return number;
}

static void speak(struct conn *c, uint32_t number) {
    number_frame(number);
    write_bytes(c, frame, frame_size);
}

/* What is due in one turn leaves at its end, as from a program that is busy. */
static void make_due(struct conn *c) {
    if (!c->due++) due_list[due_count++] = c;
}

static void send_due(double time) {
    for (size_t i = 0; i < due_count; i++) {
        struct conn *c = due_list[i];
        for (; c->due; c->due--) {
            uint32_t number = c->index;
            if (option.mode == FANOUT) {
                spoken_at[spoken % option.in_flight] = time;
                number = spoken++;
            }
            c->sent_at = time;
            speak(c, number);
        }
    }
    due_count = 0;
}

static void count_latency(double seconds) {
    size_t bucket = seconds * 1e6;
    latencies[bucket < LATENCIES ? bucket : LATENCIES - 1]++;
    if (seconds > latency_max) latency_max = seconds;
}

static void message_done(double time, double since) {
    if (phase != RUN) return;
    messages++;
    count_latency(time - since);
    if (time - last_done > longest_gap) longest_gap = time - last_done;
    last_done = time;
}

static void heard_probe(struct conn *c, uint32_t number) {
    if (number != probe || c->probe == probe) return;
    c->probe = number;
    probe_heard++;
}

static void on_text(struct conn *c, const uint8_t *text, size_t size, double time) {
    if (c->state == GREETING) {
        if (size >= 2 && !memcmp(text, option.greeting, 2)) {
            c->state = OPEN;
            ready++;
            connecting--;
        }
        return;
    }
    if (size < prefix_size + NUMBER || memcmp(text, option.prefix, prefix_size)) return;
    if (phase == PROBE) {
        heard_probe(c, read_number(text));
        return;
    }
    if (phase == RUN) deliveries++;
    if (option.mode == ECHO) {
        message_done(time, c->sent_at);
        make_due(c);
    } else if (option.mode == FANOUT) {
        size_t slot = c->heard++ % option.in_flight;
        if (++delivered_to[slot] == option.connections - option.asleep) {
            delivered_to[slot] = 0;
            message_done(time, spoken_at[slot]);
            make_due(&conns[option.asleep]);
        }
    } else if (option.mode == CHAT && read_number(text) == (uint32_t)c->index) {
        message_done(time, c->sent_at);
        make_due(c);
    }
}

static void begin(struct conn *c);

static void over(struct conn *c, double time) {
    close(c->fd);
    c->state = CLOSED;
    c->rest_size = c->out_size = c->blocked = 0;
    if (phase == RUN) {
        messages++;
        count_latency(time - c->began_at);
    }
    begin(c);
}

static void on_frame(struct conn *c, int opcode, const uint8_t *data, size_t size, double time) {
    if (opcode == 1 || opcode == 2) {
        on_text(c, data, size, time);
    } else if (opcode == 9) {
        uint8_t pong[14 + 125];
        size_t head = head_size;
        write_bytes(c, pong, build_frame(pong, 10, data, size));
        head_size = head;
    } else if (opcode == 8 && c->state != CLOSING) {
        die("connection %d was closed with code %d", c->index, size < 2 ? 1005 : data[0] << 8 | data[1]);
    }
}

/* Returns the size of what was understood. */
static size_t parse_frames(struct conn *c, const uint8_t *data, size_t size, double time) {
    size_t at = 0;
    while (size - at >= 2) {
        size_t length = data[at + 1], head = 2;
        if (!(data[at] & 0x80) || data[at] & 0x70 || length & 0x80)
            die("connection %d: unexpected frame %02x %02x", c->index, data[at], data[at + 1]);
        if (length == 126) {
            if (size - at < 4) break;
            length = data[at + 2] << 8 | data[at + 3];
            head = 4;
        } else if (length == 127) {
            if (size - at < 10) break;
            length = 0;
            for (int i = 2; i < 10; i++) length = length << 8 | data[at + i];
            head = 10;
        }
        if (size - at < head + length) break;
        on_frame(c, data[at] & 15, data + at + head, length, time);
        at += head + length;
    }
    return at;
}

/* Returns the size of the head of the response, or 0 while it is incomplete. */
static size_t parse_response(struct conn *c, uint8_t *data, size_t size) {
    uint8_t *end = memmem(data, size, "\r\n\r\n", 4);
    if (!end) return 0;
    if (size < 12 || memcmp(data, "HTTP/1.1 101", 12))
        die("connection %d was refused: %.*s", c->index, (int)(size < 80 ? size : 80), data);
    if (!memmem(data, end - data, ANSWER, sizeof ANSWER - 1))
        die("connection %d: no or a wrong Sec-WebSocket-Accept", c->index);
    return end + 4 - data;
}

static void upgraded(struct conn *c) {
    if (option.mode == CHURN) {
        uint8_t closing[16];
        size_t head = head_size;
        c->state = CLOSING;
        write_bytes(c, closing, build_frame(closing, 8, "\x03\xe8", 2));
        head_size = head;
        return;
    }
    if (option.greeting) {
        uint8_t hello[16];
        size_t head = head_size;
        c->state = GREETING;
        write_bytes(c, hello, build_frame(hello, 1, option.greeting, 2));
        head_size = head;
        return;
    }
    c->state = OPEN;
    ready++;
    connecting--;
}

static void on_readable(struct conn *c, double time) {
    memcpy(scratch, c->rest, c->rest_size);
    ssize_t n = recv(c->fd, scratch + c->rest_size, SCRATCH - c->rest_size, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
        if (c->state == CLOSING) return over(c, time);
        die("connection %d was lost: %s", c->index, n ? strerror(errno) : "end of stream");
    }
    size_t size = c->rest_size + n, at = 0;
    if (c->state == HANDSHAKE) {
        at = parse_response(c, scratch, size);
        if (at) upgraded(c);
    }
    if (c->state == CLOSED) return;
    if (c->state != HANDSHAKE) at += parse_frames(c, scratch + at, size - at, time);
    if (size - at > 0 || c->rest_size > 0) {
        c->rest = realloc(c->rest, size - at + 1);
        if (!c->rest || size - at > SCRATCH / 2) die("connection %d: frame too long", c->index);
        memcpy(c->rest, scratch + at, size - at);
    }
    c->rest_size = size - at;
}

static void request(struct conn *c) {
    char text[8192];
    int size = snprintf(text, sizeof text,
                        "GET %s HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                        "Sec-WebSocket-Key: %s\r\n%s\r\n",
                        option.path, option.host, option.port, KEY, option.headers);
    c->state = HANDSHAKE;
    watch(c, EPOLL_CTL_MOD, EPOLLIN);
    write_bytes(c, text, size);
}

static void begin(struct conn *c) {
    int yes = 1, small = 4096;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (c->fd < 0) die("socket: %m");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (c->asleep) setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    c->began_at = now();
    c->state = CONNECTING;
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS)
        die("connect: %m");
    watch(c, EPOLL_CTL_ADD, EPOLLOUT);
}

static void open_more(void) {
    while (opened < option.connections && connecting < MAX_CONNECTING) {
        connecting++;
        begin(&conns[opened++]);
    }
}

static void on_event(struct conn *c, uint32_t events, double time) {
    if (c->state == CLOSED) return;
    if (c->state == CONNECTING) {
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error) die("connect: %s", strerror(error));
        return request(c);
    }
    if (c->asleep && c->state == OPEN) {  /* never reads; it may well be cut off */
        epoll_ctl(epoll_fd, EPOLL_CTL_DEL, c->fd, NULL);
        return;
    }
    if (events & EPOLLOUT) write_rest(c);
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) on_readable(c, time);
}

static void start_load(void) {
    if (option.mode == FANOUT) {
        for (size_t i = 0; i < option.in_flight; i++) make_due(&conns[option.asleep]);
    } else if (option.mode == ECHO || option.mode == CHAT) {
        size_t n = option.mode == CHAT ? option.speakers : option.connections;
        for (size_t i = 0; i < n; i++) make_due(&conns[i]);
    }
}

static void send_probe(double time) {
    probe++;
    probe_heard = 0;
    probe_sent_at = time;
    speak(&conns[option.asleep], probe);
}

static void count_span(double time) {
    if (time < span_ends) return;
    double rate = (messages - span_began_with) / (time - span_ends + SPAN);
    if (lowest_rate < 0 || rate < lowest_rate) lowest_rate = rate;
    span_began_with = messages;
    span_ends = time + SPAN;
}

static double percentile(double share) {
    uint64_t seen = 0, all = 0;
    for (size_t i = 0; i < LATENCIES; i++) all += latencies[i];
    for (size_t i = 0; i < LATENCIES; i++) {
        seen += latencies[i];
        if (seen && seen >= all * share) return i;
    }
    return 0;
}

static void turn(int timeout_ms, double *time) {
    struct epoll_event events[256];
    int n = epoll_wait(epoll_fd, events, 256, timeout_ms);
    if (n < 0 && errno != EINTR) die("epoll_wait: %m");
    *time = now();
    for (int i = 0; i < n; i++) on_event(events[i].data.ptr, events[i].events, *time);
    send_due(*time);
}

static void connect_all(double *time) {
    if (option.mode == CHURN) {
        while (opened < option.connections) begin(&conns[opened++]);
        return;
    }
    while (ready < option.connections) {
        open_more();
        turn(1000, time);
    }
}

static void probe_until_all_hear(double *time) {
    double wait = HEARD_ALL_WAIT;
    phase = PROBE;
    send_probe(*time);
    while (probe_heard < option.connections - option.asleep) {
        turn(10, time);
        if (*time - probe_sent_at < wait) continue;
        wait *= 2;
        send_probe(*time);
    }
}

static void hold(double *time) {
    struct pollfd input = {.fd = 0, .events = POLLIN};
    printf("{\"connections\": %zu}\n", ready);
    fflush(stdout);
    while (poll(&input, 1, 0) == 0) turn(50, time);
}

static void measure(double *time) {
    double end, began, server, client;
    phase = WARM;
    start_load();
    for (end = *time + option.warm_up; *time < end;) turn(10, time);
    server = option.pid ? cpu_seconds(option.pid) : 0;
    client = cpu_seconds(0);
    phase = RUN;
    began = last_done = now();
    span_ends = began + SPAN;
    for (end = began + option.seconds; *time < end; count_span(*time)) turn(10, time);
    *time = now();
    if (*time - last_done > longest_gap) longest_gap = *time - last_done;
    printf("{\"messages\": %lu, \"deliveries\": %lu, \"seconds\": %.6f, "
           "\"server_cpu\": %.6f, \"client_cpu\": %.6f, \"p50_us\": %.0f, "
           "\"p99_us\": %.0f, \"max_us\": %.0f, \"lowest_rate\": %.1f, "
           "\"longest_gap_us\": %.0f}\n",
           messages, deliveries, *time - began,
           option.pid ? cpu_seconds(option.pid) - server : 0, cpu_seconds(0) - client,
           percentile(0.5), percentile(0.99), latency_max * 1e6,
           lowest_rate < 0 ? 0 : lowest_rate, longest_gap * 1e6);
}

static void usage(void) {
    die("usage: load echo|fanout|chat|churn|idle HOST PORT PATH [options]\n"
        "  -n N  connections        -k N  speakers of a chat    -m N  messages in flight (fanout)\n"
        "  -b N  bytes of a text    -t S  seconds counted       -w S  seconds of warm-up\n"
        "  -p N  pid of the server  -z N  receivers that sleep (fanout)  -x S  give up after\n"
        "  -H 'Name: value'  another request header\n"
        "  -P TEXT, -S TEXT  before and after each text   -g TT  say TT and await it first");
}

static void parse_options(int argc, char **argv) {
    static const char *const modes[] = {"echo", "fanout", "chat", "churn", "idle"};
    double limit = 0;
    int letter;
    while ((letter = getopt(argc, argv, "n:k:m:b:t:w:p:z:x:H:P:S:g:")) != -1) {
        switch (letter) {
        case 'n': option.connections = strtoul(optarg, NULL, 10); break;
        case 'k': option.speakers = strtoul(optarg, NULL, 10); break;
        case 'm': option.in_flight = strtoul(optarg, NULL, 10); break;
        case 'b': option.bytes = strtoul(optarg, NULL, 10); break;
        case 't': option.seconds = strtod(optarg, NULL); break;
        case 'w': option.warm_up = strtod(optarg, NULL); break;
        case 'p': option.pid = atoi(optarg); break;
        case 'z': option.asleep = atoi(optarg); break;
        case 'x': limit = strtod(optarg, NULL); break;
        case 'P': option.prefix = optarg; break;
        case 'S': option.suffix = optarg; break;
        case 'g': option.greeting = optarg; break;
        case 'H':
            if (strlen(option.headers) + strlen(optarg) + 3 > sizeof option.headers) usage();
            strcat(strcat(option.headers, optarg), "\r\n");
            break;
        default: usage();
        }
    }
    if (argc - optind != 4) usage();
    for (option.mode = 0; option.mode <= IDLE; option.mode++)
        if (!strcmp(argv[optind], modes[option.mode])) break;
    option.host = argv[optind + 1];
    option.port = atoi(argv[optind + 2]);
    option.path = argv[optind + 3];
    if (option.mode > IDLE || !option.connections || !option.in_flight) usage();
    if (option.bytes < NUMBER || option.speakers > option.connections) usage();
    if (option.asleep >= (int)option.connections) usage();
    alarm(limit > 0 ? limit : option.warm_up + option.seconds + 60);
}

int main(int argc, char **argv) {
    double time = now();
    parse_options(argc, argv);
    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(option.port)};
    if (inet_pton(AF_INET, option.host, &address.sin_addr) != 1) usage();
    conns = calloc(option.connections, sizeof *conns);
    due_list = calloc(option.connections, sizeof *due_list);
    delivered_to = calloc(option.in_flight, sizeof *delivered_to);
    spoken_at = calloc(option.in_flight, sizeof *spoken_at);
    latencies = calloc(LATENCIES, sizeof *latencies);
    if (!conns || !due_list || !delivered_to || !spoken_at || !latencies) die("out of memory");
    for (size_t i = 0; i < option.connections; i++) {
        conns[i].index = i;
        conns[i].asleep = i < (size_t)option.asleep;
    }
    prepare_frame();
    epoll_fd = epoll_create1(0);
    connect_all(&time);
    if (option.mode == IDLE) {
        hold(&time);
        return 0;
    }
    if (option.mode == FANOUT || option.mode == CHAT) probe_until_all_hear(&time);
    measure(&time);
    return 0;
}
