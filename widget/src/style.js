/** How the chat looks. Colours and sizes that a page may set are read once, in `.root`. */
const STYLE = `
:host{all:initial!important;display:contents!important}
:host([hidden]),[hidden]{display:none!important}
*,::before,::after{box-sizing:border-box}
.root{
--brand:var(--nasro-brand,light-dark(#14294f,#1b3564));--on-brand:var(--nasro-on-brand,#fff);
--act:light-dark(var(--brand),#3461b0);
--gold:var(--nasro-accent,#f2bd48);
--ink:light-dark(#1a2436,#e9eef7);--soft:light-dark(#56627a,#aab7cf);
--ground:light-dark(#f4f6fa,#0d1524);--sheet:light-dark(#fff,#17223a);
--edge:light-dark(#d9e0eb,#2e3e5e);--control:light-dark(#6f7f9b,#7c8fb3);
--link:light-dark(#174a9c,#a3c6ff);--hover:light-dark(#eaf0fa,#22314f);
--alarm:light-dark(#a3211c,#ffb0a8);
--focus:light-dark(#1d5fd1,#8fb8ff);--ring:var(--focus);
color-scheme:light dark;color:var(--ink);
font:1em/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
text-align:start}
:host([theme=light]) .root{color-scheme:light}
:host([theme=dark]) .root{color-scheme:dark}
.floating{position:fixed;
inset-block-end:calc(var(--nasro-offset-block,20px) + env(safe-area-inset-bottom,0px));
inset-inline-end:var(--nasro-offset-inline,20px);z-index:var(--nasro-z,2147483000)}
:host([side=start]) .floating{inset-inline:var(--nasro-offset-inline,20px) auto}
:host([side=start]) dialog.panel:not(:modal){inset-inline:0 auto}
:focus-visible{outline:3px solid var(--ring);outline-offset:2px}
.log:focus-visible{outline-offset:-3px}
/* On a page of whatever colour: one of the two stands out. */
.launcher:focus-visible{outline:3px solid #fff;outline-offset:0;box-shadow:0 0 0 6px #14294f}
.hidden{position:absolute;inline-size:1px;block-size:1px;overflow:hidden;clip-path:inset(50%);
white-space:nowrap}
svg{inline-size:1.25em;block-size:1.25em;flex:none;fill:none;stroke:currentColor;stroke-width:2;
stroke-linecap:round;stroke-linejoin:round}
button,textarea{font:inherit;color:inherit;letter-spacing:inherit}
button{cursor:pointer;background:none;border:1px solid transparent;padding:0}
button[aria-disabled=true]{cursor:default;opacity:.65}
h2,h3,p,ol,ul,dl,dd{margin:0;padding:0;font-size:1em}
ul{list-style:none}
a{color:var(--link);text-underline-offset:.15em;overflow-wrap:anywhere}
a:hover{text-decoration-thickness:2px}

.launcher{display:flex;align-items:center;gap:.55em;min-block-size:56px;padding-inline:1.1em 1.3em;
border:2px solid #ffffff33;border-radius:99px;background:var(--brand);color:var(--on-brand);
font-weight:600;box-shadow:0 2px 6px #0a162b40,0 10px 28px #0a162b4d}
.launcher svg{color:var(--gold);inline-size:1.5em;block-size:1.5em}
.badge{min-inline-size:1.6em;padding-inline:.4em;border-radius:99px;background:var(--gold);
color:#14213a;font-size:.8125em;text-align:center}
.badge::after{content:attr(data-n)}

.panel{display:flex;flex-direction:column;position:relative;container-type:inline-size;margin:0;
padding:0;max-inline-size:none;max-block-size:none;overflow:hidden;color:inherit;
background:var(--ground);border:1px solid var(--edge);border-radius:16px}
dialog.panel{position:absolute;inset-block:auto calc(100% + 12px);inset-inline:auto 0;
inline-size:min(25.5em,100vw - 40px);block-size:min(43em,100dvh - 108px);
box-shadow:0 4px 12px #0a162b26,0 18px 56px #0a162b4d}
dialog.panel:not([open]){display:none}
dialog.panel:modal{position:fixed;inset:0;inline-size:100%;block-size:100dvh;border:0;
border-radius:0}
dialog.panel:modal .head{padding-block-start:max(.75em,env(safe-area-inset-top))}
section.panel{inline-size:100%;block-size:var(--nasro-block-size,40em)}
.head{position:relative;z-index:1;display:flex;align-items:center;gap:.7em;padding:.75em .9em;background:var(--brand);
color:var(--on-brand);border-block-end:3px solid var(--gold);--ring:var(--gold)}
.head>div:not(.face){flex:1;min-inline-size:0}
.head h2{font-weight:650;line-height:1.25}
.head>div>p{font-size:.8125em;line-height:1.35;opacity:.85}
.head>button{flex:none;display:grid;place-items:center;inline-size:max(40px,2.2em);block-size:max(40px,2.2em);
border-radius:10px}
.head>button:hover{background:#ffffff1f}
.head>[aria-controls] svg{stroke-width:3.5}
.face{display:grid;place-items:center;inline-size:2.5em;block-size:2.5em;flex:none;
border-radius:50%;background:#ffffff1a;color:var(--gold)}
.face svg{inline-size:1.6em;block-size:1.6em;stroke-width:1.6}
.face .solid{fill:currentColor;stroke:none}
.confirm{position:absolute;inset-inline:0;inset-block-start:calc(100% + 3px);
display:flex;flex-wrap:wrap;align-items:center;gap:.5em .6em;padding:.8em 1em;
background:var(--sheet);color:var(--ink);border-block-end:1px solid var(--edge);
box-shadow:0 8px 20px #0a162b26;font-size:.9375em;--ring:var(--focus)}
.confirm p{flex:1 1 100%;font-size:1em;opacity:1}
.menu{position:absolute;inset-inline-end:.6em;inset-block-start:calc(100% - .3em);min-inline-size:14em;
max-inline-size:calc(100% - 1.2em);padding:.35em;background:var(--sheet);color:var(--ink);
border:1px solid var(--edge);border-radius:12px;box-shadow:0 8px 24px #0a162b40;font-size:.9375em;
--ring:var(--focus)}
.menu button{display:block;inline-size:100%;min-block-size:40px;padding:.35em .8em;border-radius:8px;
text-align:start;overflow-wrap:anywhere}
.menu button:hover{background:var(--hover)}
.menu small{display:block;color:var(--soft);font-size:.875em}
.menu [aria-pressed]::after{content:"";float:inline-end;inline-size:.6em;block-size:.6em;margin:.45em;
border:2px solid;border-radius:50%}
.menu [aria-pressed=true]::after{background:currentColor}

.log{position:relative;flex:1;min-block-size:6em;overflow-y:auto;overscroll-behavior:contain;
padding:1em;font-size:.9375em}
.message{position:relative;display:flex;flex-direction:column;align-items:flex-start;gap:.5em;
margin-block-start:calc(.5em - 12px);padding-block:6px;padding-inline:2.6em 1.2em}
/* Of a long conversation the old is laid out when it comes into sight; the padding above is room for
focus rings, which are cut off at its edge. */
.message:not(:nth-last-child(-n+20)){content-visibility:auto;contain-intrinsic-block-size:auto 7em}
.first{margin-block-start:calc(1.1em - 12px)}
.log>:first-child>:first-child{margin-block-start:0}
.message>.face{position:absolute;inset-block-start:calc(.15em + 6px);inset-inline-start:0;font-size:.8em;
background:var(--brand)}
.bubble{max-inline-size:100%;padding:.6em .9em;border:1px solid var(--edge);background:var(--sheet);
border-radius:16px;overflow-wrap:anywhere}
.first>.bubble{border-start-start-radius:4px}
.bubble>*+*{margin-block-start:.6em}
.bubble ol{padding-inline-start:1.6em}
.bubble li+li{margin-block-start:.3em}
.bubble li::marker{font-weight:600;color:var(--soft)}
.user{align-items:flex-end;padding-inline:2.6em 0}
.user>.meta{flex:none}
.user .bubble{background:var(--act);border-color:transparent;color:var(--on-brand);white-space:pre-wrap}
.user.first>.bubble{border-start-start-radius:16px;border-start-end-radius:4px}
.waiting .bubble{opacity:.75}
.note{padding-block:.8em;text-align:center;color:var(--soft);font-size:.875em}
.problem{display:flex;flex-wrap:wrap;align-items:center;gap:.3em .6em;
color:var(--alarm);font-size:.875em}
.user .problem{justify-content:flex-end;text-align:end}
.small{min-block-size:32px;padding:.15em .85em;border-color:var(--control);border-radius:99px;
background:var(--sheet);color:var(--ink);font-size:.875em;font-weight:600}
.small:hover{background:var(--hover)}
.strong{background:var(--act);border-color:var(--act);color:var(--on-brand)}
.strong:hover{background:var(--act);text-decoration:underline}

.cards{display:grid;gap:.6em;inline-size:100%}
.card{padding:.8em .95em;border:1px solid var(--edge);border-inline-start:4px solid var(--gold);
border-radius:12px;background:var(--sheet);overflow-wrap:anywhere}
.card h3{font-weight:650;line-height:1.35}
.card>p{color:var(--soft);font-size:.9375em}
.card dl{display:grid;grid-template-columns:auto 1fr;gap:.15em .9em;margin-block-start:.5em}
.card dl>div{display:contents}
.card dt{color:var(--soft)}
.card dd{font-weight:550}
.card a{display:inline-block;margin-block-start:.75em;padding:.4em 1.1em;border:1px solid transparent;
border-radius:99px;background:var(--act);color:var(--on-brand);font-weight:600;
text-decoration:none}
.card a:hover{text-decoration:underline}
.meta{flex:1;min-inline-size:0;overflow-wrap:anywhere;color:var(--soft);font-size:.8125em;line-height:1.45}
.meta span+span::before{content:"·";margin-inline:.45em}
.tail{display:flex;align-items:center;gap:.1em .8em;
inline-size:100%}
.thumbs{display:flex;gap:.15em;margin-inline-start:auto}
.thumbs button{display:grid;place-items:center;inline-size:max(32px,2em);block-size:max(32px,2em);border-radius:8px;
color:var(--soft)}
.thumbs button:not([aria-disabled=true]):hover{background:var(--hover);color:var(--ink)}
.thumbs svg{inline-size:1.1em;block-size:1.1em}
.thumbs .down svg{rotate:180deg}
.thumbs [aria-pressed=true]{color:var(--link);border-color:currentColor}
.thumbs [aria-pressed=true] svg{fill:currentColor;fill-opacity:.25}
.comment{display:flex;flex-wrap:wrap;gap:.5em;inline-size:100%;padding:.7em .8em;
border:1px solid var(--edge);border-radius:12px;background:var(--sheet)}
.comment label{flex:1 1 100%;font-size:.875em}
.comment textarea{display:block;inline-size:100%;margin-block-start:.3em}
.chips{display:flex;flex-wrap:wrap;gap:.45em}
.chip{min-block-size:36px;padding:.3em .95em;border-color:var(--control);border-radius:99px;
background:var(--sheet);color:var(--link);font-weight:550;text-align:start;overflow-wrap:anywhere}
.chip:not([aria-disabled=true]):hover{background:var(--hover);border-color:currentColor}
.chip[aria-disabled=true]{color:var(--ink);border-style:dashed;opacity:1;background:none}

.dots span{display:inline-block;inline-size:.5em;block-size:.5em;margin-inline:.12em;
border-radius:50%;background:var(--soft)}
.dots b{display:none;font-weight:400;color:var(--soft)}
.latest{position:absolute;inset-inline:0;inset-block-end:100%;inline-size:max-content;
margin:0 auto .6em;box-shadow:0 4px 16px #0a162b40}
.foot{position:relative;padding:.7em .8em .55em;background:var(--sheet);
border-block-start:1px solid var(--edge);padding-block-end:max(.55em,env(safe-area-inset-bottom))}
.composer{display:flex;align-items:flex-end;gap:.5em}
textarea{field-sizing:content;min-block-size:44px;max-block-size:9em;padding:.55em .85em;
resize:none;border:1px solid var(--control);border-radius:14px;background:var(--ground);
font-size:max(16px,1em);line-height:1.4}
.composer textarea{flex:1;min-inline-size:0}
textarea::placeholder{color:var(--soft);opacity:1}
textarea[aria-invalid=true]{border-color:var(--alarm)}
textarea:focus-visible{outline-offset:0}
.send{display:grid;place-items:center;inline-size:max(44px,2.4em);block-size:max(44px,2.4em);flex:none;
border-radius:50%;background:var(--act);color:var(--on-brand)}
.send:dir(rtl) svg{scale:-1 1}
.under{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 1em;margin-block-start:.3em;
font-size:.8125em;color:var(--soft)}
.under button{min-block-size:28px;color:var(--link);text-decoration:underline;
text-underline-offset:.15em;border-radius:6px}
.over{color:var(--alarm);font-weight:600}

@container (max-width:24em){.message{padding-inline-end:.4em}}
@container (max-width:20em){.message{padding-inline:0 .6em}.message>.face{display:none}
.user{padding-inline:1.5em 0}}
@media (pointer:coarse){.thumbs button,.head>button{inline-size:44px;block-size:44px}
.chip,.small,.under button,.menu button{min-block-size:44px}.card a{padding-block:.65em}}
@media (prefers-reduced-motion:no-preference){
.new{animation:rise .22s ease-out}
.dots span{animation:pulse 1.2s infinite ease-in-out}
.dots span:nth-child(2){animation-delay:.15s}
.dots span:nth-child(3){animation-delay:.3s}
@keyframes rise{from{opacity:0;translate:0 6px}}
@keyframes pulse{0%,60%,100%{opacity:.35}30%{opacity:1;translate:0 -3px}}}
@media (prefers-reduced-motion:reduce){.dots span{display:none}.dots b{display:inline}}
@media (forced-colors:active){.head>button,.launcher,.send,.card a,.user .bubble,.thumbs button
{border:1px solid}.face,.menu button{border:1px solid}.launcher svg{color:inherit}
.dots span{background:CanvasText;forced-color-adjust:none}
.thumbs [aria-pressed=true]{background:Highlight;color:HighlightText;forced-color-adjust:none}}
`;
