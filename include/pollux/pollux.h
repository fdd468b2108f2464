/**
 * @file pollux.h
 * All of Pollux's public interface.
 */
#ifndef POLLUX_POLLUX_H
#define POLLUX_POLLUX_H

#include <pollux/conn.h>
#include <pollux/error.h>
#include <pollux/handover.h>
#include <pollux/limits.h>
#include <pollux/listener.h>
#include <pollux/loop.h>
#include <pollux/notify.h>
#include <pollux/proxy_protocol.h>
#include <pollux/server.h>
#include <pollux/setting.h>
#include <pollux/signal.h>
#include <pollux/sim.h>
#include <pollux/timer.h>
#include <pollux/types.h>
#include <pollux/watch.h>

#endif
