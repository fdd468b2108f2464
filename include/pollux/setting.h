/**
 * @file setting.h
 * Settings: options that one backend alone has.
 *
 * A setting is a key and a value; plx_loop_options.settings takes a list of them. These are all,
 * and plx_setting_describe() and `pollux backends --settings` list them too:
 *
 * - poll: "idle_set", PLX_ON (the default) or PLX_OFF: a second thread polls idle sockets, so that
 *   they cost the busy ones nothing;
 * - poll: "idle_set_min": from so many sockets on; 512 by default;
 * - poll: "idle_after_ns": how long a socket is idle before it joins the idle set; 300 ms by
 *   default. More than 100 ms counts in steps of 100 ms, and more than 6.5 s as 6.5 s. One that
 *   returns soon stays active longer the next time;
 * - iocp: "accepts_ahead", up to 1,024: accepts posted per listener, each with a socket made ahead,
 *   so that connections that are made between two turns find one; 16 by default.
 *
 * Which settings a loop takes:
 *
 * | plx_loop_options.backend | the loop takes | the environment variable POLLUX_SETTINGS |
 * |---|---|---|
 * | names a backend | the settings of that backend | is ignored |
 * | NULL | the settings of all backends | applies where the list does not name the key |
 *
 * With NULL, the loop picks a backend, gives it the settings that are its own, and ignores those of
 * all others, compiled in or not. So one list serves on all systems. A key that no backend has and
 * a value out of range are always errors: plx_loop_open() returns PLX_EINVAL and opens nothing, and
 * plx_settings_check() tells which entry is wrong.
 *
 * POLLUX_SETTINGS is text: pairs KEY=VALUE with blanks between them, at most 16, as in
 * `POLLUX_SETTINGS="idle_set=off idle_after_ns=1000000"`. Numbers are decimal; a switch is `on` or
 * `off`.
 */
#ifndef POLLUX_SETTING_H
#define POLLUX_SETTING_H

#include <pollux/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The values of a setting that is a switch. */
enum plx_switch {
    PLX_ON = 1, /**< It is on. */
    PLX_OFF = 2 /**< It is off. */
};

/**
 * A setting. This struct never grows. If a list has a key twice, the later entry counts.
 */
typedef struct plx_setting {
    const char *key; /**< As "idle_after_ns"; the end of a key says the unit. */
    uint64_t value;  /**< 0 means the default, as if the entry were missing. */
} plx_setting;

/** What a setting is. All strings are static. */
typedef struct plx_setting_info {
    const char *key;     /**< As in plx_setting. */
    const char *backend; /**< The name of the backend that has it. */
    const char *text;    /**< What it does, in one line. */
    uint64_t by_default; /**< The value that 0 means. */
    uint64_t min;        /**< The smallest value but 0. */
    uint64_t max;        /**< The largest value. */
    uint32_t is_switch;  /**< 1: the value is PLX_ON or PLX_OFF. 0: it is a number. */
} plx_setting_info;

/**
 * Checks a list of settings as plx_loop_open() does for that backend; NULL: as for a loop that
 * picks its backend. POLLUX_SETTINGS is not looked at. `settings` may be NULL when `count` is 0.
 *
 * Returns 0; PLX_EBACKEND for a name that is not compiled in; or PLX_EINVAL, and `*index_out` is
 * the index of the first wrong entry. `index_out` may be NULL. Any thread.
 */
PLX_NODISCARD PLX_API int plx_settings_check(const char *backend, const plx_setting *settings,
                                             size_t count, size_t *index_out);

/** What plx_setting_describe() calls, with the size of its caller's struct (docs/growing.md). */
PLX_NODISCARD PLX_API int plx_setting_describe_sized(const char *backend, size_t index,
                                                     plx_setting_info *info_out, size_t info_bytes);

/**
 * Describes the setting number `index` of the backend; NULL: of all backends, compiled in or not.
 *
 * Returns 0, PLX_EBACKEND for a name that is not compiled in, or PLX_EINVAL past the last. Any
 * thread.
 */
PLX_NODISCARD static inline int plx_setting_describe(const char *backend, size_t index,
                                                     plx_setting_info *info_out)
{
    return plx_setting_describe_sized(backend, index, info_out, sizeof *info_out);
}

#ifdef __cplusplus
}
#endif
#endif
