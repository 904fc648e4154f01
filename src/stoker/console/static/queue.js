// A queue's numbers, as long as somebody looks at the page.

const counts = document.querySelector("#counts");

async function look() {
  if (!document.hidden) {
    const answer = await fetch(counts.dataset.from, { headers: { "x-stoker-fragment": "1" } }).catch(() => null);
    if (answer?.ok && !answer.headers.has("x-stoker-location")) counts.innerHTML = await answer.text();
  }
  setTimeout(look, 2000);
}

setTimeout(look, 2000);
