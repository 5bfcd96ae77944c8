// How the pages look: plain, as wide as the screen allows, light or dark as the
// reader's system is, readable on a phone. One style for all, in the page.

#pragma once

#include "api/pages/html.h"

namespace ta {

// A ring with a point on it. In the page, or browsers would ask for
// /favicon.ico.
inline constexpr Markup kIcon =
    "href=\"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' "
    "viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='6' fill='none' "
    "stroke='%230b57c2' stroke-width='2'/%3E%3Ccircle cx='12.2' cy='3.8' r='3' "
    "fill='%23d9480f'/%3E%3C/svg%3E\"";

inline constexpr Markup kStyle = R"css(
:root {
  color-scheme: light dark;
  --text: #1b2026; --dim: #58626e; --page: #fff; --line: #d8dee4;
  --band: #f5f7f9; --link: #0b57c2; --good: #1a7f37; --bad: #b3261e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e2e7ec; --dim: #9aa5b1; --page: #14181d; --line: #303842;
    --band: #1b2127; --link: #82b6ff; --good: #63d084; --bad: #ff8f86;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 80rem; padding: 0 1rem 2rem;
  background: var(--page); color: var(--text);
  font: 0.95rem/1.5 system-ui, sans-serif;
}
header { border-bottom: 1px solid var(--line); }
nav ul { display: flex; flex-wrap: wrap; gap: 0.2rem 1.2rem; list-style: none; margin: 0; padding: 0.8rem 0; }
h1 { font-size: 1.5rem; margin: 1.2rem 0 0.8rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 1.8rem 0 0.5rem; }
a { color: var(--link); text-decoration: none; unicode-bidi: isolate; }
a:hover, a:focus { text-decoration: underline; }
.table { overflow-x: auto; }
table { border-collapse: collapse; min-width: 50%; }
th, td {
  border-bottom: 1px solid var(--line); padding: 0.3rem 1rem 0.3rem 0;
  text-align: left; vertical-align: top;
}
td { max-width: 45rem; overflow-wrap: break-word; unicode-bidi: isolate; }
.facts th { width: 12rem; }
th { color: var(--dim); font-weight: 500; white-space: nowrap; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tbody tr:hover { background: var(--band); }
code, pre, .mono td { font: 0.85rem/1.5 ui-monospace, monospace; }
pre { background: var(--band); overflow-x: auto; padding: 0.8rem; white-space: pre-wrap; overflow-wrap: anywhere; }
.badge { border: 1px solid; border-radius: 0.8rem; color: var(--dim); font-size: 0.8rem; padding: 0 0.5rem; white-space: nowrap; }
.badge.good { color: var(--good); }
.badge.bad { color: var(--bad); }
.dim, footer, .pager { color: var(--dim); }
.pager a { margin-left: 0.8rem; }
.notice { border-left: 3px solid var(--bad); background: var(--band); padding: 0.5rem 0.8rem; overflow-wrap: anywhere; }
.problems li { overflow-wrap: anywhere; }
meter { width: 7rem; vertical-align: middle; }
form { display: flex; flex-wrap: wrap; gap: 0.5rem 1rem; align-items: end; margin: 0.5rem 0 1rem; }
label { color: var(--dim); display: grid; font-size: 0.85rem; }
input, select, button { font: inherit; padding: 0.2rem 0.4rem; max-width: 100%; }
footer { border-top: 1px solid var(--line); font-size: 0.85rem; margin-top: 2rem; padding-top: 0.6rem; }
@media (max-width: 40rem) {
  body { padding: 0 0.7rem 1.5rem; }
  table { min-width: 100%; }
  td { max-width: 20rem; }
  th, td { padding-right: 0.7rem; }
}
)css";

}  // namespace ta
