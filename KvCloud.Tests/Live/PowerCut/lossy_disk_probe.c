/* Does to files what its arguments say, one call after the other: the program that LossyDiskTests cuts off. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void check(long result, const char *what)
{
    if (result < 0) {
        perror(what);
        exit(1);
    }
}

static int opened(const char *path, int flags)
{
    int fd = open(path, flags, 0644);
    check(fd, path);
    return fd;
}

static void synced(const char *path, int (*sync)(int))
{
    int fd = opened(path, O_RDONLY);
    check(sync(fd), path);
    close(fd);
}

int main(int count, char **words)
{
    for (int i = 1; i < count; i++) {
        const char *verb = words[i], *path = i + 1 < count ? words[i + 1] : "";
        if (strcmp(verb, "write") == 0 || strcmp(verb, "write-sync") == 0) { /* FILE START LENGTH LETTER */
            size_t length = (size_t)atol(words[i + 3]);
            char *bytes = malloc(length);
            memset(bytes, words[i + 4][0], length);
            int fd = opened(path, O_WRONLY | O_CREAT | (verb[5] == 0 ? 0 : O_DSYNC));
            check(pwrite(fd, bytes, length, atol(words[i + 2])), path);
            close(fd);
            i += 4;
        } else if (strcmp(verb, "print") == 0) { /* FILE TEXT, past the layer: libc writes from within */
            FILE *stream = fopen(path, "a");
            fputs(words[i + 2], stream);
            fclose(stream);
            i += 2;
        } else if (strcmp(verb, "truncate") == 0) {
            check(truncate(path, atol(words[i + 2])), path);
            i += 2;
        } else if (strcmp(verb, "sync") == 0) {
            synced(path, fsync);
            i++;
        } else if (strcmp(verb, "sync-data") == 0) {
            synced(path, fdatasync);
            i++;
        } else if (strcmp(verb, "rename") == 0) {
            check(rename(path, words[i + 2]), path);
            i += 2;
        } else if (strcmp(verb, "link") == 0) {
            check(link(path, words[i + 2]), path);
            i += 2;
        } else if (strcmp(verb, "remove") == 0) {
            check(unlink(path), path);
            i++;
        } else if (strcmp(verb, "mkdir") == 0) {
            check(mkdir(path, 0755), path);
            i++;
        } else if (strcmp(verb, "map") == 0) {
            int fd = opened(path, O_RDWR);
            mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
            i++;
        } else if (strcmp(verb, "cut") == 0) {
            raise(SIGKILL);
        } else {
            fprintf(stderr, "what is %s?\n", verb);
            return 1;
        }
    }
    return 0;
}
