/* backends/settings.h - the settings of backends, and their order in plx__backend_config.
 *
 * The tables are compiled in everywhere, also where their backends are not: a program's settings
 * are for all systems that it runs on.
 */
#ifndef PLX__SETTINGS_H
#define PLX__SETTINGS_H

#include "backends/backend.h"

enum plx__poll_setting { PLX__POLL_IDLE_SET, PLX__POLL_IDLE_SET_MIN, PLX__POLL_IDLE_AFTER_NS };
extern const plx__setting_table plx__poll_settings;

enum plx__iocp_setting { PLX__IOCP_ACCEPTS_AHEAD };
extern const plx__setting_table plx__iocp_settings;

#endif
