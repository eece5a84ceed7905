// Runs the script that the page's query names, and tells the server what it found.
const violations = [];
document.addEventListener("securitypolicyviolation", (event) => violations.push(event.effectiveDirective));

async function found() {
  const { default: find } = await import(`./${location.search.slice(1)}.js`);
  return find();
}

// A script that is not done (it reloads, say) finds nothing.
const facts = await found().catch((error) => ({ error: `${error.stack ?? error}` }));
if (facts) {
  // Violations are told in a task of their own.
  await new Promise((resolve) => setTimeout(resolve));
  await fetch("/report", { method: "POST", body: JSON.stringify({ ...facts, violations }) });
}
