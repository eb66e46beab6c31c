// Keeps on the server what is chosen and not sent yet, so that the end of a session loses nothing.
const form = document.getElementById("answering");
form.addEventListener("change", () => {
  const chosen = new FormData(form);
  chosen.delete("key");
  if (!chosen.get("answer")) return;
  fetch(form.dataset.draft, { method: "POST", body: new URLSearchParams(chosen), keepalive: true }).catch(() => null);
});
