// A table of collectors: how much each has, and of what share.

#pragma once

#include "api/handlers.h"
#include "api/pages/page.h"

namespace ta {

// The rows of `window`; says so where there are no collectors.
// O(rows · jobs · log collectors).
void WriteCollectorTable(const Context& context, const Window& window,
                         HtmlWriter& html);

// For how long `member` has been in its state: "3m20s"; "" where the router has
// no clock.
std::string TimeInState(const Context& context, const MemberView& member);

}  // namespace ta
