// Fills the stores of one connection: a reflector each, run over what lists and
// watches there.

#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>

#include "discovery/kubernetes/connection.h"
#include "discovery/kubernetes/lister_watcher.h"
#include "discovery/kubernetes/reflector.h"
#include "discovery/kubernetes/watch_pool.h"

namespace ta::kubernetes {

// For a WatchPool on the thread of `executor`. Of `options` each reflector gets
// its own seed, and streaming lists only as long as none was refused them. The
// lister lives until the last call of the last filler has ended; everything is
// counted in `totals`. Objects that can't be read are logged, each once.
StartFiller MakeFillers(boost::asio::any_io_executor executor,
                        std::shared_ptr<ListerWatcher> lister,
                        ReflectorOptions options,
                        std::shared_ptr<WatchTotals> totals);

}  // namespace ta::kubernetes
