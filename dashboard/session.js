import { connect, keyNeeded } from './live.js';

const keyName = 'tributary-api-key';

/**
 * Connects a page to the API with the key that this tab holds, shows how the connection is, and asks for a key where one is
 * needed. @returns what the page reads with, and where it says that something went wrong
 */
export function openSession() {
  const key = sessionStorage.getItem(keyName);
  return { live: connect({ key, onState: (state) => showState(state, key) }), showProblem };
}

function showState(state, key) {
  const pill = document.getElementById('connection');
  const [text, tone] = {
    live: ['live', 'good'],
    lost: ['connection lost, trying again …', 'warn'],
    refused: ['an API key is needed', 'warn'],
  }[state];
  pill.textContent = text;
  pill.className = `pill ${tone}`;
  if (state === 'refused') signIn(key);
}

function signIn(key) {
  const section = document.getElementById('sign-in');
  if (!section.hidden) return;
  section.hidden = false;
  document.getElementById('content').hidden = true;
  if (key !== null) showProblem(new Error('This key is not known, or no longer.'));
  section.querySelector('form').addEventListener('submit', (event) => {
    event.preventDefault();
    sessionStorage.setItem(keyName, new FormData(event.target).get('key').trim());
    location.reload();
  });
  section.querySelector('input').focus();
}

function showProblem(problem) {
  const note = document.getElementById('problem');
  // The form says so already.
  if (problem.message === keyNeeded && !document.getElementById('sign-in').hidden) return;
  note.textContent = problem.message;
  note.hidden = false;
}
