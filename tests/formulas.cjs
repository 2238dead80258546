// Reads [[display, TeX], …] from stdin and writes what KaTeX in its strict mode and MathJax refuse.
const katex = require("katex");
const MathJax = require("mathjax");

async function main() {
  const formulas = JSON.parse(require("fs").readFileSync(0, "utf8"));
  // noundefined would set what MathJax does not know in red instead of refusing it
  await MathJax.init({ loader: { load: ["input/tex"] }, tex: { packages: { "[-]": ["noundefined"] } } });
  const refused = [];
  for (const [display, tex] of formulas) {
    try {
      katex.renderToString(tex, { displayMode: display, strict: "error", throwOnError: true });
    } catch (error) {
      refused.push(["katex", String(error.message), tex]);
    }
    try {
      const mathml = await MathJax.tex2mmlPromise(tex, { display });
      if (/<merror|data-mjx-error/.test(mathml)) refused.push(["mathjax", mathml.match(/data-mjx-error="([^"]*)"/)?.[1] ?? "", tex]);
    } catch (error) {
      refused.push(["mathjax", String(error.message), tex]);
    }
  }
  process.stdout.write(JSON.stringify(refused));
}

main();
