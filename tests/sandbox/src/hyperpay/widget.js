(function () {
  var script = document.currentScript;
  if (!script) return;
  var source = new URL(script.src);
  // A form that only saves a card is asked for with this behind the checkout.
  var checkout = (source.searchParams.get("checkoutId") || "").replace(/\/registration$/, "");
  function mount() {
    document.querySelectorAll("form.paymentWidgets").forEach(function (form) {
      var frame = document.createElement("iframe");
      var page = new URL("/hyperpay/page/" + encodeURIComponent(checkout), source.origin);
      if (form.getAttribute("action")) page.searchParams.set("result", form.action);
      frame.src = page.href;
      frame.title = "Payment";
      frame.style.cssText = "inline-size:100%;max-inline-size:30rem;block-size:36rem;border:0;display:block;margin-inline:auto";
      form.replaceWith(frame);
    });
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", mount);
  else mount();
})();
