// Asks whether somebody is still there, and blanks the screen when nobody answers, with or without a network.
const root = document.documentElement;
const dialog = document.getElementById("idle");
const seconds = (name) => Number(root.dataset[name]) * 1000;
let began = Date.now();

const end = () => {
  root.classList.add("blank");
  dialog.close();
  location.replace("/signed-out");
};

setInterval(() => {
  const idle = Date.now() - began;
  if (idle >= seconds("idle")) {
    if (!root.classList.contains("blank")) end();
  } else if (idle >= seconds("warning") && !dialog.open) {
    dialog.showModal();
  }
}, 1000);

document.getElementById("stay").addEventListener("click", async () => {
  const answer = await fetch("/stay", { method: "POST", redirect: "manual" }).catch(() => null);
  if (answer?.status === 204) {
    began = Date.now();
    dialog.close();
  } else if (answer) {
    end();
  }
});
