/*<![CDATA[*/
(() => {
  "use strict";
  const NAMED = "[data-name]:not([data-name=''])";
  const names = (sign) => sign.dataset.name.split(" ");

  function enliven(page) {
    const said = page.querySelector("[role=status]");
    let held = null;     // the sign that a click, a tap or a key has chosen
    let cursor = null;   // where the arrow keys stand

    const signs = () => [...page.querySelectorAll(NAMED)];
    const seen = (sign) => sign.getClientRects().length > 0;

    function light(sign) {
      const wanted = sign === null ? [] : names(sign);
      for (const other of signs()) {
        other.classList.toggle("lit", names(other).some((n) => wanted.includes(n)));
      }
    }
    function hold(sign) {
      held = sign;
      light(sign);
      const places = sign === null ? 0 : page.querySelectorAll("math .lit").length;
      said.textContent = sign === null ? "" : `${sign.textContent.trim()}: ${places} ${places === 1 ? "place" : "places"}`;
    }
    function move(sign) {
      if (cursor !== null) cursor.classList.remove("here");
      cursor = sign;
      if (sign === null) return;
      sign.classList.add("here");
      sign.scrollIntoView({ block: "nearest", inline: "nearest" });
      hold(sign);
    }

    page.addEventListener("pointerover", (event) => {
      if (event.pointerType === "mouse") light(event.target.closest(NAMED) ?? held);
    });
    page.addEventListener("pointerleave", () => light(held));
    page.addEventListener("click", (event) => {
      if (event.target.closest("a, summary") !== null) return;
      const sign = event.target.closest(NAMED);
      if (cursor !== null) move(null);
      hold(sign === null || sign === held ? null : sign);
    });

    const STEPS = { ArrowRight: 1, ArrowLeft: -1 };
    function line(sign) { return sign.closest("li"); }
    function along(list, key) {
      const all = [...list.querySelectorAll(NAMED)].filter(seen);
      const at = all.indexOf(cursor);
      if (at === -1) return all[0];
      if (key in STEPS) return all[at + STEPS[key]];
      const down = key === "ArrowDown";
      const rest = down ? all.slice(at) : all.slice(0, at + 1).reverse();
      const next = rest.find((sign) => line(sign) !== line(cursor));
      if (next === undefined) return undefined;
      return all.find((sign) => line(sign) === line(next));
    }
    for (const list of page.querySelectorAll("ol.lines:not(.between)")) {
      list.tabIndex = 0;
      list.addEventListener("keydown", (event) => {
        if (event.target !== list || event.ctrlKey || event.altKey || event.metaKey) return;
        if (!["ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp"].includes(event.key)) return;
        const next = along(list, event.key);
        if (next === undefined) return;
        event.preventDefault();
        move(next);
      });
      list.addEventListener("blur", () => move(null));
    }
    page.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      move(null);
      hold(null);
    });
    // what scrolls has to be reached by the keyboard
    function reachable() {
      for (const box of page.querySelectorAll("p, .rhs, .lines > li, .picture")) {
        if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
        else box.removeAttribute("tabindex");
      }
    }
    new ResizeObserver(reachable).observe(page);
    let opened = [];
    addEventListener("beforeprint", () => {
      opened = [...page.querySelectorAll("details:not([open])")];
      for (const fold of opened) fold.open = true;
    });
    addEventListener("afterprint", () => { for (const fold of opened) fold.open = false; });
  }

  for (const page of document.querySelectorAll("article.symbp:not([data-lively])")) {
    page.dataset.lively = "";
    enliven(page);
  }
})();
/*]]>*/
