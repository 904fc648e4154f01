// An editor in place of a textarea, which goes on holding the text: without script it is what there is.

const loading = import("./vendor/codemirror.js");

function language(editors, path) {
  const indent = editors.indentUnit.of(/\.py$/.test(path) ? "    " : "  ");
  if (/\.py$/.test(path)) return [editors.python(), indent];
  if (/\.[cm]?[jt]sx?$/.test(path)) return [editors.javascript({ typescript: /\.tsx?$/.test(path) }), indent];
  return /\.json$/.test(path) ? [editors.json(), indent] : [indent];
}

/** Returns what writes another text into it, in the language of another path. */
export async function edit(area, path, { changed = () => {}, save = () => {} } = {}) {
  const editors = await loading;
  const { EditorView, EditorState, Compartment, basicSetup, keymap, indentWithTab } = editors;
  const place = document.createElement("div");
  place.className = "editor";
  const plain = area.closest("label") ?? area;
  plain.after(place);
  // In a shadow root the editor's styles are style sheet objects, which need no leave from the page's policy.
  const root = place.attachShadow({ mode: "open" });
  const parent = document.createElement("div");
  root.append(parent);
  const tongue = new Compartment();
  const view = new EditorView({
    root,
    parent,
    state: EditorState.create({
      doc: area.value,
      extensions: [
        keymap.of([{ key: "Mod-s", run: () => (save(), true) }, indentWithTab]),
        basicSetup,
        tongue.of(language(editors, path)),
        highlighting(editors),
        look(editors),
        EditorView.domEventHandlers({ beforeinput: (event, at) => replaceSelected(editors, event, at) }),
        EditorView.contentAttributes.of({ "aria-label": area.ariaLabel ?? `Code of ${path}` }),
        EditorView.updateListener.of((update) => {
          if (!update.docChanged) return;
          area.value = update.state.doc.toString();
          changed();
        }),
      ],
    }),
  });
  plain.hidden = true;
  // Tab indents; who has no mouse has to know the way out.
  document.querySelector(".way-out").hidden = false;
  return (text, of) =>
    view.dispatch({
      changes: { from: 0, to: view.state.doc.length, insert: text },
      effects: tongue.reconfigure(language(editors, of)),
    });
}

/** Typing over a selection: left to the browser, it would write styles into the page, which the page's policy forbids. */
function replaceSelected(editors, event, view) {
  const { from, to, empty } = view.state.selection.main;
  const text = event.data;
  if (event.inputType !== "insertText" || empty || text === null || view.composing) return false;
  const insert = () => view.state.update(view.state.replaceSelection(text), { userEvent: "input.type" });
  const handlers = view.state.facet(editors.EditorView.inputHandler);
  if (!handlers.some((handle) => handle(view, from, to, text, insert))) view.dispatch(insert());
  event.preventDefault();
  return true;
}

function look({ EditorView }) {
  return EditorView.theme({
    "&": { fontSize: "13.5px", color: "var(--ink)", backgroundColor: "var(--sunk)" },
    "&.cm-focused": { outline: "none" },
    ".cm-scroller": { fontFamily: "var(--mono)", minHeight: "var(--least)", maxHeight: "65vh", lineHeight: "1.55" },
    ".cm-content": { caretColor: "var(--ink)" },
    ".cm-cursor": { borderLeftColor: "var(--ink)" },
    ".cm-gutters": { backgroundColor: "var(--sunk)", color: "var(--soft)", border: "none" },
    ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--ember) 7%, transparent)" },
    "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": {
      backgroundColor: "color-mix(in srgb, var(--ember) 28%, transparent) !important",
    },
    ".cm-panels, .cm-tooltip": { backgroundColor: "var(--card)", color: "var(--ink)", borderColor: "var(--line)" },
  });
}

function highlighting({ HighlightStyle, syntaxHighlighting, tags }) {
  return syntaxHighlighting(
    HighlightStyle.define([
      { tag: [tags.keyword, tags.operatorKeyword, tags.controlKeyword], color: "var(--ember)" },
      { tag: [tags.string, tags.special(tags.string)], color: "var(--good)" },
      { tag: [tags.comment], color: "var(--soft)", fontStyle: "italic" },
      { tag: [tags.number, tags.bool, tags.null, tags.atom], color: "var(--sandbox)" },
      { tag: [tags.function(tags.variableName), tags.function(tags.definition(tags.variableName))], color: "var(--runtime)" },
      { tag: [tags.propertyName, tags.className], color: "var(--import)" },
    ]),
  );
}
