/* plx_posix/stdlib.h - what POSIX adds to <stdlib.h>. */
#ifndef PLX_POSIX_STDLIB_H
#define PLX_POSIX_STDLIB_H

#include <plx_posix/base.h>
#include <plx_posix/malloc.h>
#include <plx_posix/wait_status.h>

#undef RAND_MAX
#define RAND_MAX 0x7fffffff
#undef rand_r

/* What random_r() draws from: the bytes that initstate_r() was given. */
struct random_data {
    char *state;
};

PLX_POSIX_BEGIN

double atof(const char *text) PLX_POSIX_CALL(atof);
long strtol(const char *text, char **end, int base) PLX_POSIX_CALL(strtol);
unsigned long strtoul(const char *text, char **end, int base) PLX_POSIX_CALL(strtoul);
long long strtoll(const char *text, char **end, int base) PLX_POSIX_CALL(strtoll);
unsigned long long strtoull(const char *text, char **end, int base) PLX_POSIX_CALL(strtoull);
int rand(void) PLX_POSIX_CALL(rand);
int rand_r(unsigned int *state) PLX_POSIX_NEW(rand_r);
void srand(unsigned int seed) PLX_POSIX_CALL(srand);
void qsort_r(void *first, size_t count, size_t size,
             int (*compare)(const void *left, const void *right, void *data), void *data)
    PLX_POSIX_NEW(qsort_r);
void *reallocarray(void *memory, size_t count, size_t size) PLX_POSIX_NEW(reallocarray);
int getsubopt(char **options, char *const *names, char **value) PLX_POSIX_NEW(getsubopt);
int setenv(const char *name, const char *value, int overwrite) PLX_POSIX_NEW(setenv);
int unsetenv(const char *name) PLX_POSIX_NEW(unsetenv);
long random(void) PLX_POSIX_NEW(random);
void srandom(unsigned int seed) PLX_POSIX_NEW(srandom);
char *initstate(unsigned int seed, char *state, size_t size) PLX_POSIX_NEW(initstate);
char *setstate(char *state) PLX_POSIX_NEW(setstate);
int random_r(struct random_data *data, int32_t *number) PLX_POSIX_NEW(random_r);
int srandom_r(unsigned int seed, struct random_data *data) PLX_POSIX_NEW(srandom_r);
int initstate_r(unsigned int seed, char *state, size_t size, struct random_data *data)
    PLX_POSIX_NEW(initstate_r);
int setstate_r(char *state, struct random_data *data) PLX_POSIX_NEW(setstate_r);
double drand48(void) PLX_POSIX_NEW(drand48);
void srand48(long seed) PLX_POSIX_NEW(srand48);
long lrand48(void) PLX_POSIX_NEW(lrand48);
long mrand48(void) PLX_POSIX_NEW(mrand48);
double erand48(unsigned short state[3]) PLX_POSIX_NEW(erand48);
long nrand48(unsigned short state[3]) PLX_POSIX_NEW(nrand48);
long jrand48(unsigned short state[3]) PLX_POSIX_NEW(jrand48);
unsigned short *seed48(unsigned short state[3]) PLX_POSIX_NEW(seed48);
void lcong48(unsigned short state[7]) PLX_POSIX_NEW(lcong48);
long a64l(const char *text) PLX_POSIX_NEW(a64l);
char *l64a(long number) PLX_POSIX_NEW(l64a);
int mkstemp(char *name) PLX_POSIX_CALL(mkstemp);
char *mkdtemp(char *name) PLX_POSIX_NEW(mkdtemp);
char *realpath(const char *path, char *resolved) PLX_POSIX_NEW(realpath);
char *canonicalize_file_name(const char *path) PLX_POSIX_NEW(canonicalize_file_name);
int getloadavg(double averages[], int count) PLX_POSIX_NEW(getloadavg);
int posix_openpt(int flags) PLX_POSIX_NEW(posix_openpt);
int grantpt(int fd) PLX_POSIX_NEW(grantpt);
int unlockpt(int fd) PLX_POSIX_NEW(unlockpt);
char *ptsname(int fd) PLX_POSIX_NEW(ptsname);
uint32_t arc4random(void) PLX_POSIX_NEW(arc4random);
void arc4random_buf(void *bytes, size_t size) PLX_POSIX_NEW(arc4random_buf);
uint32_t arc4random_uniform(uint32_t bound) PLX_POSIX_NEW(arc4random_uniform);
extern int system(const char *command) PLX_POSIX_CALL(system);
int daemon(int keep_directory, int keep_streams) PLX_POSIX_NEW(daemon);

PLX_POSIX_END
#endif
