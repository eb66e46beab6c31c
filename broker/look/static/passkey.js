// Asks the device for a passkey, or for a new one, and sends what it says; needed by nothing else on a page.
const button = document.getElementById("passkey");
const said = document.getElementById("passkey-said");
const { options, answer, then, link } = button.dataset;

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const known = (list) => (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));

const asked = (told) =>
  told.user
    ? navigator.credentials.create({
        publicKey: {
          ...told,
          challenge: bytes(told.challenge),
          user: { ...told.user, id: bytes(told.user.id) },
          excludeCredentials: known(told.excludeCredentials),
        },
      })
    : navigator.credentials.get({ publicKey: { ...told, challenge: bytes(told.challenge), allowCredentials: [] } });

const spoken = (credential) => {
  const { response } = credential;
  const parts = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  const present = parts.filter((name) => response[name]);
  return JSON.stringify({
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    response: Object.fromEntries(present.map((name) => [name, text(response[name])])),
  });
};

const post = async (url, fields) => {
  const sent = await fetch(url, { method: "POST", body: new URLSearchParams(fields), redirect: "manual" });
  if (!sent.ok) throw new Error("refused");
  return sent;
};

button.addEventListener("click", async () => {
  said.textContent = button.dataset.waiting;
  try {
    const told = await (await post(options, link ? { link } : {})).json();
    await post(answer, { credential: spoken(await asked(told)) });
    location.replace(then);
  } catch {
    said.textContent = button.dataset.failed;
  }
});

if (window.PublicKeyCredential) {
  button.disabled = false;
} else {
  said.textContent = button.dataset.unknown;
}
