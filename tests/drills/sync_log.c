/* Preloaded into the server: one line in the file DRILL_SYNC_LOG for all that decides what a power cut leaves of its
 * directory, each written before the call returns to the server. Names are as the server gives them, from its working
 * directory; an inode that is opened for writing is also linked into DRILL_INODES, so that it outlives its name.
 *
 *   C inode name     a name was made for a file        S inode bytes    so much of a file is on disk
 *   R from to        renamed                           D directory      its entries are on disk
 *   U name           removed                           T inode bytes    truncated
 *   M name           a directory was made
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...) {
    static int log = -1;
    char line[8192];
    if (log < 0) log = REAL(open)(getenv("DRILL_SYNC_LOG"), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    va_list values;
    va_start(values, format);
    int length = vsnprintf(line, sizeof line, format, values);
    va_end(values);
    if (write(log, line, (size_t)length) != length) abort();
}

/* Absolute names are of the system's own files: the server has changed into its directory before it writes. */
static int is_ours(const char *name) { return name[0] != '/'; }

static void note_opened(const char *name, int file, int was_there, int is_truncated) {
    struct stat found;
    char kept[4096];
    if (file < 0 || fstat(file, &found) || !S_ISREG(found.st_mode)) return;
    snprintf(kept, sizeof kept, "%s/%lu", getenv("DRILL_INODES"), (unsigned long)found.st_ino);
    if (link(name, kept) && access(kept, F_OK)) abort();
    if (!was_there) note("C %lu %s\n", (unsigned long)found.st_ino, name);
    else if (is_truncated) note("T %lu 0\n", (unsigned long)found.st_ino);
}

static int opened(__typeof__(&open) call, const char *name, int flags, mode_t mode) {
    int was_there = !access(name, F_OK);
    int file = call(name, flags, mode);
    if (is_ours(name) && (flags & O_ACCMODE) != O_RDONLY) note_opened(name, file, was_there, flags & O_TRUNC);
    return file;
}

#define OPEN(name)                                                                                                     \
    int name(const char *path, int flags, ...) {                                                                      \
        mode_t mode = 0;                                                                                               \
        if (flags & (O_CREAT | O_TMPFILE)) {                                                                           \
            va_list values;                                                                                            \
            va_start(values, flags);                                                                                   \
            mode = va_arg(values, mode_t);                                                                             \
            va_end(values);                                                                                            \
        }                                                                                                              \
        return opened(REAL(name), path, flags, mode);                                                                  \
    }
OPEN(open)
OPEN(open64)

#define FOPEN(name)                                                                                                    \
    FILE *name(const char *path, const char *mode) {                                                                   \
        int was_there = !access(path, F_OK);                                                                           \
        FILE *file = REAL(name)(path, mode);                                                                           \
        if (file && is_ours(path) && mode[0] != 'r') note_opened(path, fileno(file), was_there, mode[0] == 'w');       \
        return file;                                                                                                   \
    }
FOPEN(fopen)
FOPEN(fopen64)

/* The size from before the call: what is written during it may have come too late. */
static int synced(int (*call)(int), int file) {
    struct stat found;
    char link[64], name[4096];
    int is_known = !fstat(file, &found);
    int result = call(file);
    if (result || !is_known) return result;
    if (S_ISREG(found.st_mode)) note("S %lu %lld\n", (unsigned long)found.st_ino, (long long)found.st_size);
    if (S_ISDIR(found.st_mode)) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", file);
        ssize_t length = readlink(link, name, sizeof name);
        if (length > 0) note("D %.*s\n", (int)length, name);
    }
    return result;
}
int fsync(int file) { return synced(REAL(fsync), file); }
int fdatasync(int file) { return synced(REAL(fdatasync), file); }

int rename(const char *from, const char *to) {
    int result = REAL(rename)(from, to);
    if (!result && is_ours(to)) note("R %s %s\n", from, to);
    return result;
}

int unlink(const char *name) {
    int result = REAL(unlink)(name);
    if (!result && is_ours(name)) note("U %s\n", name);
    return result;
}

int mkdir(const char *name, mode_t mode) {
    int result = REAL(mkdir)(name, mode);
    if (!result && is_ours(name)) note("M %s\n", name);
    return result;
}

static int truncated(int result, const struct stat *found, off_t length) {
    if (!result) note("T %lu %lld\n", (unsigned long)found->st_ino, (long long)length);
    return result;
}

#define TRUNCATE(name, by, type, stat_of, offset)                                                                      \
    int name(type by, offset length) {                                                                                \
        struct stat found;                                                                                             \
        return stat_of(by, &found) ? -1 : truncated(REAL(name)(by, length), &found, (off_t)length);                    \
    }
TRUNCATE(ftruncate, file, int, fstat, off_t)
TRUNCATE(ftruncate64, file, int, fstat, off64_t)
TRUNCATE(truncate, path, const char *, stat, off_t)
TRUNCATE(truncate64, path, const char *, stat, off64_t)
