/* SPDX-License-Identifier: Apache-2.0 */
/* Style and script of the dashboard. Their hashes stand in dashboard_fields: a change here changes them too, and a test says how. */
#include "dashboard_parts.h"

const char *const dashboard_style =
    ":root{color-scheme:light dark;--ink:#1c2430;--faint:#5a6675;--paper:#f6f7f9;--card:#fff;--line:#d5dae1;--good:#1a7f45;--soon:#8a5a00;--bad:#c0242c;"
    "--link:#1f5fbf;--goodbg:#e4f4ea;--soonbg:#fff2d8;--badbg:#fde7e8}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e3e8ef;--faint:#9aa7b6;--paper:#12161c;--card:#1a2029;--line:#323b48;--good:#5cc98a;--soon:#e3b04b;"
    "--bad:#ff7b80;--link:#7fb0ff;--goodbg:#153524;--soonbg:#3a2d10;--badbg:#42191c}}"
    "*{box-sizing:border-box}body{margin:0;font:15px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--paper)}"
    "header,main{max-width:70rem;margin:0 auto;padding:0 1rem}h1{font-size:1.3rem;margin:1rem 0 .25rem}h2{font-size:1.05rem;margin:0 0 .6rem}"
    "h3{font-size:.95rem;margin:.8rem 0 .3rem}a{color:var(--link)}p{margin:.3rem 0}"
    "section{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:.9rem 1rem;margin:0 0 1rem;overflow-wrap:break-word}"
    "#instance,#end{background:none;border:0;padding:0;color:var(--faint)}"
    ".state{display:inline-block;padding:.05rem .5rem;border-radius:1rem;font-size:.85rem;white-space:nowrap}"
    ".state.good{color:var(--good);background:var(--goodbg)}.state.soon{color:var(--soon);background:var(--soonbg)}.state.bad{color:var(--bad);background:var(--badbg)}"
    ".good{color:var(--good)}.soon{color:var(--soon)}.bad{color:var(--bad)}.faint,.none{color:var(--faint)}"
    ".why{border-left:3px solid currentColor;padding-left:.6rem;margin:.4rem 0 .8rem}.why span{color:var(--ink)}"
    "table{border-collapse:collapse;width:100%}th{text-align:left;font-weight:600;color:var(--faint);font-size:.85rem}"
    "th,td{padding:.35rem .6rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:middle}tr:last-child td{border-bottom:0}.n{text-align:right;padding-right:1.2rem}#refusals td.name,td.time{white-space:nowrap}td.name{min-width:8rem;max-width:22rem;overflow-wrap:anywhere}td.do{min-width:19.5rem}"
    "form{display:flex;flex-wrap:wrap;gap:.35rem;align-items:center}"
    "button,input{font:inherit;font-size:.85rem;color:inherit;background:var(--paper);border:1px solid var(--line);border-radius:6px;padding:.25rem .6rem;min-height:2rem}"
    "button{cursor:pointer}button:hover{border-color:var(--link)}button:focus-visible,input:focus-visible,a:focus-visible{outline:2px solid var(--link);outline-offset:1px}"
    "input{width:4.2rem}svg{display:block;width:100%;height:auto}svg text{fill:var(--ink);font-size:13px}svg .t{font-weight:600}svg .f{fill:var(--faint);font-size:12px}"
    "svg .good{fill:var(--good)}svg .soon{fill:var(--soon)}svg .bad{fill:var(--bad)}svg .box{fill:var(--paper);stroke:var(--line)}"
    "svg .box.soon{fill:var(--soonbg);stroke:var(--soon)}svg .box.bad{fill:var(--badbg);stroke:var(--bad)}"
    "svg .way{stroke:var(--good);stroke-width:2;fill:none}svg .way.bad{stroke:var(--bad);stroke-dasharray:5 4}svg .way.soon{stroke:var(--soon)}svg .way.none{stroke:var(--faint)}"
    "section>svg{margin:.7rem 0}.wide{max-width:62rem}.tall{display:none}section>.tall{max-width:16rem;margin:1.2rem auto}.bar{width:12rem;max-width:100%}svg .back{fill:var(--line)}"
    ".v{display:none}"
    "@media(max-width:46rem){.wide{display:none}.tall{display:block}thead{display:none}tr{display:block;padding:.5rem 0;border-bottom:1px solid var(--line)}"
    "tr:last-child{border-bottom:0}td,td.n{display:flex;justify-content:space-between;gap:1rem;border:0;padding:.15rem 0;text-align:right}"
    "td::before{content:attr(data-label);color:var(--faint);text-align:left;flex:none}td>*{min-width:0;overflow-wrap:anywhere}td.do{min-width:0}#refusals td.name,td.name{max-width:none;font-weight:600;text-align:left;white-space:normal}td.name::before{content:none}"
    "td form{justify-content:flex-end}}";

/* A section with the focus in one of its fields is left as it is, so that input is not lost. */
const char *const dashboard_script =
    "'use strict';(function(){if(!window.EventSource)return;var main=document.querySelector('main');"
    "new EventSource('?events').onmessage=function(e){"
    "var t=document.createElement('template');t.innerHTML=e.data;"
    "t.content.querySelectorAll('section').forEach(function(s){var old=document.getElementById(s.id),f=document.activeElement;"
    "if(!old)main.append(s);else if(f&&f.tagName==='INPUT'&&old.contains(f))return;"
    "else{var b=f&&f.tagName==='BUTTON'&&old.contains(f)?f.id:'';old.replaceWith(s);"
    "if(b&&document.getElementById(b))document.getElementById(b).focus()}})}})();";
