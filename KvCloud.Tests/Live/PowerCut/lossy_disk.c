/*
 * A layer between one program and its directory that keeps apart what is durable from what is merely written, so that a
 * power cut can be played afterwards without root: SIGKILL alone keeps everything, since the page cache survives it.
 *
 * Preloaded (LD_PRELOAD) with two variables set:
 *   LOSSY_DISK_ROOT    the directory that is watched
 *   LOSSY_DISK_SYNC_US optional: how long a sync takes, since nothing waits for the real disk
 *   LOSSY_DISK_SHADOW  a directory on the same file system, made by LossyDisk.cs, which holds
 *     live/INODE     a hard link to each file: keeps what was unlinked, and the inode's number from being reused
 *     durable/INODE  the file as it was last synced
 *     names          every name made, renamed or removed, and every sync of a directory, one a line, in order
 *     sabotage       while it exists: every sync reports success and makes nothing durable
 *     trip           while it exists: the program kills itself, by a coin, in the middle of a sync or a change of names
 *     trace          while it exists: the bytes of each sync, with the time at which they were durable
 * After the kill LossyDisk.cs tosses a coin for each name and each sector that was not synced.
 *
 * The program writes to the real files. A sync copies what was written since the last one to the file's durable twin;
 * the first one of a process copies all. sync_file_range makes nothing durable: its manual page says that it does not.
 * A sync of a file does not make its name durable. What passes the layer by (writes through a shared mapping, FILE*,
 * sendfile) is found by comparing the two files, at each later sync of a small one and at one of 64 of a large one; the
 * program is aborted, so that no test is silently wrong.
 *
 * .NET finds libc's functions for P/Invoke with dlsym, which knows nothing of preloading; hence dlsym is replaced too.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define BUCKETS 4096
#define COPY_SIZE_BYTES (256 * 1024)
#define VERIFY_EVERY 64
#define DESCRIPTORS_FROM 700

struct range {
    off_t start, end;
};

/* A watched file, by its inode. It is never freed: the hard link keeps the inode as well. */
struct file {
    struct file *next;
    ino_t inode;
    pthread_mutex_t lock; /* held over each write, so that a sync never copies half of one */
    bool is_known;        /* whether the ranges say all that differs; not before this process's first sync of it */
    unsigned syncs;
    int live, durable;
    struct range *ranges;
    size_t count, capacity;
};

static char root[PATH_MAX], shadow[PATH_MAX];
static size_t root_length;
static dev_t device;
static bool is_on;
static useconds_t sync_us;
static int names_fd = -1;
static struct file *files[BUCKETS];
static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t trace_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t names_lock = PTHREAD_MUTEX_INITIALIZER; /* over a change of a name and its record */

__attribute__((noreturn, format(printf, 1, 2))) static void stop(const char *format, ...)
{
    char text[2 * PATH_MAX];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text - 1, format, arguments);
    va_end(arguments);
    dprintf(2, "lossy_disk: %.*s\n", length, text);
    abort();
}

/* Calls below the layer. They go to the kernel by number: the functions of these names are the ones replaced here. */
static int raw_open(const char *path, int flags, mode_t mode)
{
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

static ssize_t raw_pwrite(int fd, const void *bytes, size_t count, off_t at)
{
    return syscall(SYS_pwrite64, fd, bytes, count, at);
}

static void write_all(int fd, const void *bytes, size_t count, off_t at, const char *what)
{
    const char *rest = bytes;
    while (count > 0) {
        ssize_t written = at < 0 ? syscall(SYS_write, fd, rest, count) : raw_pwrite(fd, rest, count, at);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            stop("writing %s failed: %s", what, strerror(errno));
        rest += written;
        count -= (size_t)written;
        at += at < 0 ? 0 : written;
    }
}

static size_t read_all(int fd, char *bytes, size_t count, off_t at)
{
    size_t done = 0;
    while (done < count) {
        ssize_t got = pread(fd, bytes + done, count - done, at + (off_t)done);
        if (got < 0)
            stop("reading below the layer failed: %s", strerror(errno));
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return done;
}

/* Descriptors of the layer's own are high ones: programs expect the low ones for themselves. */
static int open_own(const char *path, int flags)
{
    int fd = raw_open(path, flags | O_CLOEXEC, 0644);
    if (fd < 0)
        stop("%s cannot be opened: %s", path, strerror(errno));
    int high = fcntl(fd, F_DUPFD_CLOEXEC, DESCRIPTORS_FROM);
    if (high < 0)
        return fd;
    syscall(SYS_close, fd);
    return high;
}

static bool is_marked(const char *name)
{
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/%s", shadow, name);
    return syscall(SYS_faccessat, AT_FDCWD, path, F_OK) == 0;
}

__attribute__((constructor)) static void start(void)
{
    const char *watched = getenv("LOSSY_DISK_ROOT"), *beside = getenv("LOSSY_DISK_SHADOW");
    if (watched == NULL || beside == NULL)
        return;
    struct stat at;
    if (realpath(watched, root) == NULL || realpath(beside, shadow) == NULL || stat(root, &at) != 0)
        stop("%s and %s must be directories: %s", watched, beside, strerror(errno));
    root_length = strlen(root);
    device = at.st_dev;
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/names", shadow);
    names_fd = open_own(path, O_WRONLY | O_APPEND);
    sync_us = getenv("LOSSY_DISK_SYNC_US") == NULL ? 0 : (useconds_t)atoi(getenv("LOSSY_DISK_SYNC_US"));
    is_on = true;
}

static bool is_below(const char *path)
{
    return strncmp(path, root, root_length) == 0 && (path[root_length] == '/' || path[root_length] == 0);
}

/* Whether the descriptor is of something in the watched directory, by the path it has now. */
static bool is_watched(int fd)
{
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0)
        return false;
    path[length] = 0;
    return is_below(path);
}

static struct file *find(ino_t inode)
{
    pthread_mutex_lock(&table_lock);
    struct file *file = files[inode % BUCKETS];
    while (file != NULL && file->inode != inode)
        file = file->next;
    pthread_mutex_unlock(&table_lock);
    return file;
}

/* The watched file behind a descriptor, or null: most are sockets, which are on another device. */
static struct file *file_of(int fd)
{
    struct stat at;
    if (!is_on || fstat(fd, &at) != 0 || at.st_dev != device || !S_ISREG(at.st_mode))
        return NULL;
    return find(at.st_ino);
}

static void watch(ino_t inode)
{
    pthread_mutex_lock(&table_lock);
    struct file **bucket = &files[inode % BUCKETS], *file = *bucket;
    while (file != NULL && file->inode != inode)
        file = file->next;
    if (file == NULL) {
        file = calloc(1, sizeof *file);
        file->inode = inode;
        file->live = file->durable = -1;
        pthread_mutex_init(&file->lock, NULL);
        file->next = *bucket;
        *bucket = file;
    }
    pthread_mutex_unlock(&table_lock);
}

/* A name, split: the directory's inode and the last part; false if it is not in the watched directory. */
static bool split(int at, const char *path, ino_t *directory, char *name)
{
    char whole[2 * PATH_MAX], parent[PATH_MAX];
    if (!is_on || path == NULL)
        return false;
    if (path[0] == '/' || at == AT_FDCWD)
        snprintf(whole, sizeof whole, "%s%s", path[0] == '/' ? "" : "./", path);
    else
        snprintf(whole, sizeof whole, "/proc/self/fd/%d/%s", at, path);
    size_t length = strlen(whole);
    while (length > 1 && whole[length - 1] == '/')
        whole[--length] = 0;
    char *slash = strrchr(whole, '/');
    if (strlen(slash + 1) > NAME_MAX)
        return false;
    strcpy(name, slash + 1);
    slash[slash == whole ? 1 : 0] = 0;
    struct stat found;
    if (realpath(whole, parent) == NULL || !is_below(parent) || stat(parent, &found) != 0)
        return false;
    if (strpbrk(name, "\t\n") != NULL)
        stop("a name with a tab or a line break cannot be recorded: %s", name);
    *directory = found.st_ino;
    return true;
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* Moments between two steps are short: a cut at random hardly ever meets them. */
static void trip(uint64_t one_in)
{
    if (is_marked("trip") && ((uint64_t)now_ns() * 6364136223846793005ULL >> 33) % one_in == 0)
        kill(getpid(), SIGKILL);
}

/* Under the names' lock, after the change: one that was killed in between was not made. */
__attribute__((format(printf, 1, 2))) static void record(const char *format, ...)
{
    char line[2 * NAME_MAX + 128];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    trip(16);
    write_all(names_fd, line, (size_t)length, -1, "the record of names");
    trip(16);
}

static void hold(int fd, ino_t inode)
{
    char from[64], to[PATH_MAX + 32];
    snprintf(from, sizeof from, "/proc/self/fd/%d", fd);
    snprintf(to, sizeof to, "%s/live/%llu", shadow, (unsigned long long)inode);
    if (syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW) != 0 && errno != EEXIST)
        stop("%s cannot be linked: %s", to, strerror(errno));
}

/* Ranges */

static void note_written(struct file *file, off_t start, off_t end)
{
    if (end <= start)
        return;
    if (file->count > 0) {
        struct range *last = &file->ranges[file->count - 1];
        if (start <= last->end && end >= last->start) {
            last->start = start < last->start ? start : last->start;
            last->end = end > last->end ? end : last->end;
            return;
        }
    }
    if (file->count == file->capacity) {
        file->capacity = file->capacity == 0 ? 16 : 2 * file->capacity;
        file->ranges = realloc(file->ranges, file->capacity * sizeof *file->ranges);
    }
    file->ranges[file->count++] = (struct range){start, end};
}

static void open_twins(struct file *file)
{
    if (file->durable >= 0)
        return;
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/live/%llu", shadow, (unsigned long long)file->inode);
    file->live = open_own(path, O_RDONLY);
    snprintf(path, sizeof path, "%s/durable/%llu", shadow, (unsigned long long)file->inode);
    file->durable = open_own(path, O_RDWR | O_CREAT);
}

static off_t size_of(int fd)
{
    struct stat at;
    if (fstat(fd, &at) != 0)
        stop("a file's size cannot be read: %s", strerror(errno));
    return at.st_size;
}

static void copy(struct file *file, off_t start, off_t end)
{
    char *bytes = malloc(COPY_SIZE_BYTES);
    while (start < end) {
        size_t count = end - start < COPY_SIZE_BYTES ? (size_t)(end - start) : COPY_SIZE_BYTES;
        size_t got = read_all(file->live, bytes, count, start);
        if (got == 0)
            break;
        write_all(file->durable, bytes, got, start, "what is durable");
        start += (off_t)got;
    }
    free(bytes);
}

static void verify(struct file *file, off_t size)
{
    char *live = malloc(2 * COPY_SIZE_BYTES), *durable = live + COPY_SIZE_BYTES;
    for (off_t at = 0; at < size; at += COPY_SIZE_BYTES) {
        size_t got = read_all(file->live, live, COPY_SIZE_BYTES, at);
        if (read_all(file->durable, durable, COPY_SIZE_BYTES, at) != got || memcmp(live, durable, got) != 0)
            stop("inode %llu was written in a way that is not watched, near byte %lld", (unsigned long long)file->inode,
                (long long)at);
    }
    free(live);
}

/* time(8) inode(8) start(8) length(8) bytes, of one sync and range. */
static void trace(struct file *file, const struct range *ranges, size_t count)
{
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/trace", shadow);
    int fd = raw_open(path, O_WRONLY | O_APPEND | O_CLOEXEC, 0);
    if (fd < 0)
        return;
    int64_t time = now_ns();
    pthread_mutex_lock(&trace_lock);
    for (size_t i = 0; i < count; i++) {
        size_t length = (size_t)(ranges[i].end - ranges[i].start);
        char *bytes = malloc(32 + length);
        length = read_all(file->durable, bytes + 32, length, ranges[i].start);
        int64_t head[4] = {time, (int64_t)file->inode, ranges[i].start, (int64_t)length};
        memcpy(bytes, head, sizeof head);
        write_all(fd, bytes, 32 + length, -1, "the trace");
        free(bytes);
    }
    pthread_mutex_unlock(&trace_lock);
    syscall(SYS_close, fd);
}

/* Under the file's lock. */
static void make_durable(struct file *file)
{
    open_twins(file);
    off_t size = size_of(file->live);
    if (!file->is_known) {
        file->count = 0;
        note_written(file, 0, size);
    }
    if (size_of(file->durable) != size && syscall(SYS_ftruncate, file->durable, size) != 0)
        stop("the durable file's size cannot be set: %s", strerror(errno));
    trip(300);
    for (size_t i = 0; i < file->count; i++) {
        off_t start = file->ranges[i].start, end = file->ranges[i].end < size ? file->ranges[i].end : size;
        off_t middle = start + (end - start) / 1024 * 512;
        copy(file, start, middle);
        trip(300);
        copy(file, middle, end);
    }
    trip(300);
    if (file->is_known && (size <= 64 * 1024 || file->syncs % VERIFY_EVERY == 0))
        verify(file, size);
    trace(file, file->ranges, file->count);
    file->count = 0;
    file->is_known = true;
    file->syncs++;
}

static int sync_fd(int fd, int number)
{
    struct stat at;
    if (!is_on || fstat(fd, &at) != 0 || at.st_dev != device)
        return (int)syscall(number, fd);
    if (S_ISDIR(at.st_mode) && is_watched(fd)) {
        if (!is_marked("sabotage")) {
            pthread_mutex_lock(&names_lock);
            record("sync\t%llu\n", (unsigned long long)at.st_ino);
            pthread_mutex_unlock(&names_lock);
        }
        return 0;
    }
    struct file *file = S_ISREG(at.st_mode) ? find(at.st_ino) : NULL;
    if (file == NULL)
        return (int)syscall(number, fd);
    if (!is_marked("sabotage")) {
        if (sync_us > 0)
            usleep(sync_us); /* not under the lock: others may write meanwhile, and some of it becomes durable */
        pthread_mutex_lock(&file->lock);
        make_durable(file);
        pthread_mutex_unlock(&file->lock);
    }
    return 0;
}

EXPORT int fsync(int fd) { return sync_fd(fd, SYS_fsync); }

EXPORT int fdatasync(int fd) { return sync_fd(fd, SYS_fdatasync); }

EXPORT int syncfs(int fd)
{
    if (is_on)
        stop("syncfs is not modelled");
    return (int)syscall(SYS_syncfs, fd);
}

EXPORT void sync(void)
{
    if (is_on)
        stop("sync is not modelled");
    syscall(SYS_sync);
}

/* Opening */

static int opened(int fd, bool is_new, ino_t directory, const char *name, off_t cut)
{
    struct stat at;
    if (fd < 0 || fstat(fd, &at) != 0 || at.st_dev != device || !S_ISREG(at.st_mode))
        return fd;
    if (is_new) {
        hold(fd, at.st_ino);
        record("file\t%llu\t%s\t%llu\n", (unsigned long long)directory, name, (unsigned long long)at.st_ino);
    } else if (!is_watched(fd)) {
        return fd;
    }
    watch(at.st_ino);
    if (cut > 0) {
        struct file *file = find(at.st_ino);
        pthread_mutex_lock(&file->lock);
        note_written(file, 0, cut);
        pthread_mutex_unlock(&file->lock);
    }
    return fd;
}

static int open_at(int at, const char *path, int flags, mode_t mode)
{
    ino_t directory = 0;
    char name[NAME_MAX + 1] = "";
    if (!is_on || (flags & O_PATH) != 0 || (flags & O_TMPFILE) == O_TMPFILE || !split(at, path, &directory, name))
        return (int)syscall(SYS_openat, at, path, flags, mode);
    pthread_mutex_lock(&names_lock);
    struct stat before;
    bool was_there = fstatat(at, path, &before, 0) == 0;
    int fd = (int)syscall(SYS_openat, at, path, flags, mode);
    int error = errno;
    fd = opened(fd, !was_there, directory, name, was_there && (flags & O_TRUNC) != 0 ? before.st_size : 0);
    pthread_mutex_unlock(&names_lock);
    errno = error;
    return fd;
}

#define TAKE_MODE(flags) \
    mode_t mode = 0; \
    if (((flags) & O_CREAT) != 0 || ((flags) & O_TMPFILE) == O_TMPFILE) { \
        va_list arguments; \
        va_start(arguments, flags); \
        mode = va_arg(arguments, mode_t); \
        va_end(arguments); \
    }

EXPORT int open(const char *path, int flags, ...)
{
    TAKE_MODE(flags)
    return open_at(AT_FDCWD, path, flags, mode);
}

EXPORT int open64(const char *path, int flags, ...)
{
    TAKE_MODE(flags)
    return open_at(AT_FDCWD, path, flags, mode);
}

EXPORT int openat(int at, const char *path, int flags, ...)
{
    TAKE_MODE(flags)
    return open_at(at, path, flags, mode);
}

EXPORT int openat64(int at, const char *path, int flags, ...)
{
    TAKE_MODE(flags)
    return open_at(at, path, flags, mode);
}

EXPORT int creat(const char *path, mode_t mode) { return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

EXPORT int creat64(const char *path, mode_t mode) { return creat(path, mode); }

/* Not by dlsym, which is replaced. The version is the architecture's first, or the one in which libc took it in. */
static void *real_function(const char *symbol)
{
    static const char *const versions[] = {"GLIBC_2.34", "GLIBC_2.2.5", "GLIBC_2.17"};
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        void *found = dlvsym(RTLD_NEXT, symbol, versions[i]);
        if (found != NULL)
            return found;
    }
    stop("%s is not in this libc", symbol);
}

/* Opens inside libc, which cannot be seen; the file is made before, so that its name and inode are known. */
static FILE *open_stream(const char *symbol, const char *path, const char *mode)
{
    FILE *(*real)(const char *, const char *) = real_function(symbol);
    ino_t directory;
    char name[NAME_MAX + 1];
    if (mode[0] != 'r' && split(AT_FDCWD, path, &directory, name)) {
        int fd = open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | (mode[0] == 'w' ? O_TRUNC : 0), 0666);
        if (fd >= 0)
            syscall(SYS_close, fd);
    }
    return real(path, mode);
}

EXPORT FILE *fopen(const char *path, const char *mode) { return open_stream("fopen", path, mode); }

EXPORT FILE *fopen64(const char *path, const char *mode) { return open_stream("fopen64", path, mode); }

/* Writing */

static ssize_t written(struct file *file, int fd, off_t at, ssize_t result)
{
    int error = errno, flags = fcntl(fd, F_GETFL);
    if (result > 0) {
        note_written(file, at, at + result);
        if ((flags & O_DSYNC) != 0 && !is_marked("sabotage"))
            make_durable(file);
    }
    errno = error;
    return result;
}

/* Where the next write of the descriptor goes; under the file's lock. */
static off_t place_of(int fd, off_t at)
{
    return (fcntl(fd, F_GETFL) & O_APPEND) != 0 ? size_of(fd) : at >= 0 ? at : lseek(fd, 0, SEEK_CUR);
}

#define WATCHED_WRITE(fd, offset, call) \
    struct file *file = file_of(fd); \
    if (file == NULL) \
        return call; \
    pthread_mutex_lock(&file->lock); \
    off_t place = place_of(fd, offset); \
    ssize_t result = written(file, fd, place, call); \
    pthread_mutex_unlock(&file->lock); \
    return result;

EXPORT ssize_t write(int fd, const void *bytes, size_t count)
{
    WATCHED_WRITE(fd, -1, syscall(SYS_write, fd, bytes, count))
}

EXPORT ssize_t writev(int fd, const struct iovec *parts, int count)
{
    WATCHED_WRITE(fd, -1, syscall(SYS_writev, fd, parts, count))
}

EXPORT ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at)
{
    WATCHED_WRITE(fd, at, raw_pwrite(fd, bytes, count, at))
}

EXPORT ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at)
{
    WATCHED_WRITE(fd, at, raw_pwrite(fd, bytes, count, at))
}

/* On 64 bits the kernel takes the whole offset in the first of its two words. */
EXPORT ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at)
{
    WATCHED_WRITE(fd, at, syscall(SYS_pwritev, fd, parts, count, at, 0))
}

EXPORT ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at)
{
    WATCHED_WRITE(fd, at, syscall(SYS_pwritev, fd, parts, count, at, 0))
}

/* A size is durable with the next sync; what lies between the old one and the new one has changed. */
static int resized(int fd, long number, long first, long second, long third)
{
    struct file *file = file_of(fd);
    if (file == NULL)
        return (int)syscall(number, fd, first, second, third);
    pthread_mutex_lock(&file->lock);
    off_t before = size_of(fd);
    int result = (int)syscall(number, fd, first, second, third);
    int error = errno;
    off_t after = size_of(fd);
    note_written(file, before < after ? before : after, before < after ? after : before);
    if (number == SYS_fallocate && first != 0)
        note_written(file, second, second + third); /* holes and zeros */
    pthread_mutex_unlock(&file->lock);
    errno = error;
    return result;
}

EXPORT int ftruncate(int fd, off_t size) { return resized(fd, SYS_ftruncate, size, 0, 0); }

EXPORT int ftruncate64(int fd, off64_t size) { return resized(fd, SYS_ftruncate, size, 0, 0); }

EXPORT int fallocate(int fd, int mode, off_t at, off_t size) { return resized(fd, SYS_fallocate, mode, at, size); }

EXPORT int fallocate64(int fd, int mode, off64_t at, off64_t size) { return fallocate(fd, mode, at, size); }

EXPORT int posix_fallocate(int fd, off_t at, off_t size)
{
    return resized(fd, SYS_fallocate, 0, at, size) == 0 ? 0 : errno;
}

EXPORT int posix_fallocate64(int fd, off64_t at, off64_t size) { return posix_fallocate(fd, at, size); }

static int truncate_at(const char *path, off_t size)
{
    int fd = open_at(AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int result = ftruncate(fd, size), error = errno;
    syscall(SYS_close, fd);
    errno = error;
    return result;
}

EXPORT int truncate(const char *path, off_t size) { return truncate_at(path, size); }

EXPORT int truncate64(const char *path, off64_t size) { return truncate_at(path, size); }

static void *map(void *address, size_t length, int protection, int flags, int fd, off_t at)
{
    if ((flags & MAP_TYPE) != MAP_PRIVATE && (protection & PROT_WRITE) != 0 && fd >= 0 && file_of(fd) != NULL)
        stop("a watched file is mapped shared and writable: the layer cannot see such writes");
    return (void *)syscall(SYS_mmap, address, length, protection, flags, fd, at);
}

EXPORT void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t at)
{
    return map(address, length, protection, flags, fd, at);
}

EXPORT void *mmap64(void *address, size_t length, int protection, int flags, int fd, off64_t at)
{
    return map(address, length, protection, flags, fd, at);
}

/* Names */

#define NUMBER(inode) ((unsigned long long)(inode))

static int remove_name(int at, const char *path, int flags)
{
    ino_t directory;
    char name[NAME_MAX + 1];
    if (!split(at, path, &directory, name))
        return (int)syscall(SYS_unlinkat, at, path, flags);
    pthread_mutex_lock(&names_lock);
    int result = (int)syscall(SYS_unlinkat, at, path, flags), error = errno;
    if (result == 0)
        record("remove\t%llu\t%s\n", NUMBER(directory), name);
    pthread_mutex_unlock(&names_lock);
    errno = error;
    return result;
}

EXPORT int unlink(const char *path) { return remove_name(AT_FDCWD, path, 0); }

EXPORT int unlinkat(int at, const char *path, int flags) { return remove_name(at, path, flags); }

EXPORT int rmdir(const char *path) { return remove_name(AT_FDCWD, path, AT_REMOVEDIR); }

EXPORT int remove(const char *path)
{
    int result = remove_name(AT_FDCWD, path, 0);
    return result != 0 && (errno == EISDIR || errno == EPERM) ? remove_name(AT_FDCWD, path, AT_REMOVEDIR) : result;
}

static int make_directory(int at, const char *path, mode_t mode)
{
    ino_t directory;
    char name[NAME_MAX + 1];
    if (!split(at, path, &directory, name))
        return (int)syscall(SYS_mkdirat, at, path, mode);
    pthread_mutex_lock(&names_lock);
    int result = (int)syscall(SYS_mkdirat, at, path, mode), error = errno;
    struct stat made;
    if (result == 0 && fstatat(at, path, &made, 0) == 0)
        record("directory\t%llu\t%s\t%llu\n", NUMBER(directory), name, NUMBER(made.st_ino));
    pthread_mutex_unlock(&names_lock);
    errno = error;
    return result;
}

EXPORT int mkdir(const char *path, mode_t mode) { return make_directory(AT_FDCWD, path, mode); }

EXPORT int mkdirat(int at, const char *path, mode_t mode) { return make_directory(at, path, mode); }

static int rename_at(int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
    ino_t from_directory, to_directory;
    char from_name[NAME_MAX + 1], to_name[NAME_MAX + 1];
    bool is_from = split(from_at, from, &from_directory, from_name);
    bool is_to = split(to_at, to, &to_directory, to_name);
    if (!is_from && !is_to)
        return (int)syscall(SYS_renameat2, from_at, from, to_at, to, flags);
    if (is_from != is_to || (flags & ~(unsigned)RENAME_NOREPLACE) != 0)
        stop("renaming %s to %s is not modelled", from, to);
    pthread_mutex_lock(&names_lock);
    int result = (int)syscall(SYS_renameat2, from_at, from, to_at, to, flags), error = errno;
    if (result == 0)
        record("rename\t%llu\t%s\t%llu\t%s\n", NUMBER(from_directory), from_name, NUMBER(to_directory), to_name);
    pthread_mutex_unlock(&names_lock);
    errno = error;
    return result;
}

EXPORT int rename(const char *from, const char *to) { return rename_at(AT_FDCWD, from, AT_FDCWD, to, 0); }

EXPORT int renameat(int from_at, const char *from, int to_at, const char *to)
{
    return rename_at(from_at, from, to_at, to, 0);
}

EXPORT int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
    return rename_at(from_at, from, to_at, to, flags);
}

static int link_at(int from_at, const char *from, int to_at, const char *to, int flags)
{
    ino_t directory;
    char name[NAME_MAX + 1];
    if (!split(to_at, to, &directory, name))
        return (int)syscall(SYS_linkat, from_at, from, to_at, to, flags);
    pthread_mutex_lock(&names_lock);
    int result = (int)syscall(SYS_linkat, from_at, from, to_at, to, flags), error = errno;
    struct stat linked;
    if (result == 0 && fstatat(to_at, to, &linked, AT_SYMLINK_NOFOLLOW) == 0)
        record("file\t%llu\t%s\t%llu\n", NUMBER(directory), name, NUMBER(linked.st_ino));
    pthread_mutex_unlock(&names_lock);
    errno = error;
    return result;
}

EXPORT int link(const char *from, const char *to) { return link_at(AT_FDCWD, from, AT_FDCWD, to, 0); }

EXPORT int linkat(int from_at, const char *from, int to_at, const char *to, int flags)
{
    return link_at(from_at, from, to_at, to, flags);
}

static int make_symlink(const char *target, int at, const char *path)
{
    ino_t directory;
    char name[NAME_MAX + 1];
    if (split(at, path, &directory, name))
        stop("a symbolic link, %s, is not modelled", path);
    return (int)syscall(SYS_symlinkat, target, at, path);
}

EXPORT int symlink(const char *target, const char *path) { return make_symlink(target, AT_FDCWD, path); }

EXPORT int symlinkat(const char *target, int at, const char *path) { return make_symlink(target, at, path); }

/* Functions that are asked for by name */

#define ENTRY(name) {#name, (void *)name}

static const struct {
    const char *name;
    void *function;
} replaced[] = {
    ENTRY(fsync), ENTRY(fdatasync), ENTRY(syncfs), ENTRY(sync), ENTRY(open), ENTRY(open64), ENTRY(openat),
    ENTRY(openat64), ENTRY(creat), ENTRY(creat64), ENTRY(fopen), ENTRY(fopen64), ENTRY(write), ENTRY(writev),
    ENTRY(pwrite), ENTRY(pwrite64), ENTRY(pwritev), ENTRY(pwritev64), ENTRY(ftruncate), ENTRY(ftruncate64),
    ENTRY(fallocate), ENTRY(fallocate64), ENTRY(posix_fallocate), ENTRY(posix_fallocate64), ENTRY(truncate),
    ENTRY(truncate64), ENTRY(mmap), ENTRY(mmap64), ENTRY(unlink), ENTRY(unlinkat), ENTRY(rmdir), ENTRY(remove),
    ENTRY(mkdir), ENTRY(mkdirat), ENTRY(rename), ENTRY(renameat), ENTRY(renameat2), ENTRY(link), ENTRY(linkat),
    ENTRY(symlink), ENTRY(symlinkat),
};

static bool is_of_libc(void *function)
{
    Dl_info info;
    return dladdr(function, &info) != 0 && info.dli_fname != NULL && strstr(info.dli_fname, "/libc.so") != NULL;
}

EXPORT void *dlsym(void *handle, const char *name)
{
    static void *(*real)(void *, const char *);
    if (real == NULL)
        real = real_function("dlsym");
    for (size_t i = 0; is_on && handle != RTLD_NEXT && i < sizeof replaced / sizeof *replaced; i++) {
        if (strcmp(replaced[i].name, name) == 0) {
            void *found = real(handle, name);
            return found != NULL && is_of_libc(found) ? replaced[i].function : found;
        }
    }

    /* A call at the end becomes a jump: for RTLD_NEXT the caller of the real one must be ours. */
    return real(handle, name);
}
