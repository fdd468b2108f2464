/* backends/settings.c - the tables of settings. The tool prints `text`. */
#include "backends/settings.h"

static const plx_setting_info poll_infos[] = {
    [PLX__POLL_IDLE_SET] = {.key = "idle_set",
                            .backend = "poll",
                            .text = "a second thread polls idle sockets, so that they cost the "
                                    "busy ones nothing",
                            .by_default = PLX_ON,
                            .min = PLX_ON,
                            .max = PLX_OFF,
                            .is_switch = 1},
    [PLX__POLL_IDLE_SET_MIN] = {.key = "idle_set_min",
                                .backend = "poll",
                                .text = "sockets from which on there is an idle set",
                                .by_default = 512,
                                .min = 1,
                                .max = UINT32_MAX},
    [PLX__POLL_IDLE_AFTER_NS] = {.key = "idle_after_ns",
                                 .backend = "poll",
                                 .text = "how long a socket is idle before it joins the idle set; "
                                         "longer if it returns soon",
                                 .by_default = 300 * PLX_MILLISECOND,
                                 .min = 1,
                                 .max = UINT64_MAX},
};
const plx__setting_table plx__poll_settings = {poll_infos,
                                               sizeof poll_infos / sizeof poll_infos[0]};

static const plx_setting_info iocp_infos[] = {
    [PLX__IOCP_ACCEPTS_AHEAD] = {.key = "accepts_ahead",
                                 .backend = "iocp",
                                 .text = "accepts posted per listener, each with a socket made "
                                         "ahead",
                                 .by_default = 16,
                                 .min = 1,
                                 .max = 1024},
};
const plx__setting_table plx__iocp_settings = {iocp_infos,
                                               sizeof iocp_infos / sizeof iocp_infos[0]};

const plx__setting_table *plx__settings_at(size_t index)
{
    static const plx__setting_table *const all[] = {&plx__poll_settings, &plx__iocp_settings};
    return index < sizeof all / sizeof all[0] ? all[index] : NULL;
}
