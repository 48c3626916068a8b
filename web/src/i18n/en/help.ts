export const help = {
  // Cheat sheet
  title: "Keyboard shortcuts",
  groupPicture: "Picture",
  groupTools: "Tools",
  groupMask: "Mask",
  groupView: "View",
  groupRun: "Repaint and compare",
  groupKeys: "Drawing with the keyboard",
  single: "Shortcuts of a single key",
  singleHint: "Off, if they get in the way of a screen reader or of dictation.",
  or: "or",
  moveCursor: "Move the cross-hair over the picture",
  stampCursor: "Draw at the cross-hair",
  panSpace: "Hold and drag: move the picture",
  panDrag: "drag",
  paste: "Paste a picture",
  cancelStroke: "Give up the stroke",
  wheelZoom: "Zoom at the pointer",
  wheel: "wheel",

  // Actions that only keys have
  largerBrush: "Larger brush",
  smallerBrush: "Smaller brush",
  softer: "Softer brush",
  harder: "Harder brush",

  // About
  aboutTitle: "About Overpaint",
  aboutText:
    "Overpaint repaints the part of a picture that you mark, as your words say, and keeps every other pixel exactly as it was.",
  version: (version: string) => `Version ${version}`,
  privacyTitle: "What leaves this browser",
  privacySent:
    "When you press Repaint, the picture, the mask, your words and what you attached go to this server, and to nobody else from this page.",
  privacyKept:
    "Pictures, masks and results are also kept in this browser, on this device, so that you can go on later. “History” removes them.",
  privacyNone: "There are no trackers, no advertisements and no requests to other hosts.",
  marksTitle: "What results carry",
  marks:
    "Downloads say in their file that a part was made by a machine, and with which seed and words.",
  source: "Open source, Apache License 2.0.",
  api: "API reference",
} as const;
