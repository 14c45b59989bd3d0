import Crypto
import WardenWire

/// What the page looks like and how it keeps itself fresh: part of it, so that it needs no file and no other site.
enum PageStyle {
    /// Also served as supervisord's `/stylesheets/supervisor.css`.
    static let sheet = """
        :root { color-scheme: light dark; --back: #f6f7f9; --card: #fff; --ink: #1d232b; --soft: #5d6875;
          --line: #dfe3e8; --good: #147a3d; --goodback: #e2f4e8; --bad: #b3201f; --badback: #fde6e4;
          --warn: #8a5a00; --warnback: #fcf0d4; --calm: #4b5663; --calmback: #e9edf1; --link: #1759b8; }
        @media (prefers-color-scheme: dark) { :root { --back: #14181d; --card: #1c2229; --ink: #e4e8ed;
          --soft: #97a2af; --line: #303944; --good: #6fd695; --goodback: #163524; --bad: #ff8f88;
          --badback: #43201f; --warn: #f0c468; --warnback: #3a2f14; --calm: #b4bec9; --calmback: #2b343e;
          --link: #84b4ff; } }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--back); color: var(--ink);
          font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
        #wrapper { max-width: 86rem; margin: 0 auto; padding: 1.5rem 1.25rem 2rem; }
        header { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1rem; margin-bottom: 1rem; }
        h1 { font-size: 1.35rem; margin: 0; }
        .summary { color: var(--soft); flex: 1 1 auto; }
        a { color: var(--link); text-decoration: none; } a:hover { text-decoration: underline; }
        form { display: inline-flex; flex-wrap: wrap; gap: .35rem; margin: 0; }
        button, .button { font: inherit; font-size: .85rem; padding: .22rem .7rem; border-radius: 6px; cursor: pointer;
          border: 1px solid var(--line); background: var(--card); color: var(--ink); white-space: nowrap; }
        button:hover, .button:hover { border-color: var(--soft); text-decoration: none; }
        button:focus-visible, a:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
        .status_msg { background: var(--calmback); border-left: 4px solid var(--link); border-radius: 4px;
          padding: .6rem .9rem; margin: 0 0 1rem; overflow-wrap: anywhere; }
        .status_msg.trouble { background: var(--badback); border-left-color: var(--bad); }
        .card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; overflow-x: auto; }
        table { border-collapse: collapse; width: 100%; }
        th { text-align: left; font-size: .75rem; letter-spacing: .04em; text-transform: uppercase;
          color: var(--soft); font-weight: 600; padding: .65rem .9rem; white-space: nowrap; }
        td { padding: .6rem .9rem; border-top: 1px solid var(--line); vertical-align: top; }
        td.status { white-space: nowrap; } td.status .health { display: block; width: fit-content; margin-top: .3rem; }
        td.name { font-weight: 600; overflow-wrap: anywhere; }
        td.number { white-space: nowrap; font-variant-numeric: tabular-nums; }
        tr.attention td.status { box-shadow: inset 3px 0 var(--bad); }
        .statusrunning, .statuserror, .statusnominal, .health { display: inline-block; border-radius: 999px;
          padding: .05rem .6rem; font-size: .82rem; font-weight: 600; }
        .statusrunning, .good { background: var(--goodback); color: var(--good); }
        .statuserror, .bad { background: var(--badback); color: var(--bad); }
        .statusnominal, .calm { background: var(--calmback); color: var(--calm); }
        .warn { background: var(--warnback); color: var(--warn); }
        .reason, .line, .sub { color: var(--soft); font-size: .86rem; overflow-wrap: anywhere; }
        .line { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: .8rem; }
        meter { width: 6.5rem; height: .7rem; vertical-align: middle; }
        td.action form { flex-wrap: nowrap; }
        .logs { font-size: .85rem; margin-top: .3rem; } .logs a { margin-right: .8rem; }
        .none { padding: 2.5rem; text-align: center; color: var(--soft); }
        footer { color: var(--soft); font-size: .82rem; margin-top: 1rem; display: flex; flex-wrap: wrap;
          gap: .25rem 1.25rem; }
        .stale { color: var(--bad); }
        @media (max-width: 52rem) {
          thead { display: none; } tr, td { display: block; }
          tr { border-top: 1px solid var(--line); padding: .6rem 0; }
          tr:first-child { border-top: 0; } tr.attention { box-shadow: inset 3px 0 var(--bad); }
          td { border-top: 0; padding: .15rem .9rem; } tr.attention td.status { box-shadow: none; }
          td.status .health { display: inline-block; margin: 0 0 0 .3rem; } td:empty { display: none; }
        }
        pre { margin: 0; padding: 1rem; font: .82rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace;
          white-space: pre-wrap; overflow-wrap: anywhere; }
        """

    /// Puts in what the daemon says now, every five seconds while somebody looks; nothing is lost without it.
    static let script = """
        setInterval(async () => {
          if (document.hidden || document.querySelector("button:active")) return;
          const sign = document.getElementById("fresh");
          try {
            const answer = await fetch(location.pathname, { cache: "no-store" });
            if (!answer.ok) throw new Error(answer.status);
            const page = new DOMParser().parseFromString(await answer.text(), "text/html");
            const held = document.activeElement && document.activeElement.id;
            for (const id of ["summary", "content"]) {
              const [now, next] = [document.getElementById(id), page.getElementById(id)];
              if (now && next && now.innerHTML !== next.innerHTML) now.replaceWith(document.adoptNode(next));
            }
            if (held && document.getElementById(held)) document.getElementById(held).focus();
            sign.textContent = "";
          } catch {
            sign.textContent = "No answer from the daemon; this is what it last said.";
          }
        }, 5000);
        """

    /// What a browser may do with our pages: nothing but what they carry themselves, in no frame, and with forms that
    /// come back here.
    static let policy = """
        default-src 'none'; style-src 'self' '\(hash(sheet))'; script-src '\(hash(script))'; connect-src 'self'; \
        form-action 'self'; base-uri 'none'; frame-ancestors 'none'
        """

    private static func hash(_ text: String) -> String {
        "sha256-\(Base64.encode(Array(SHA256.hash(data: Array(text.utf8)))))"
    }
}
