export const help = {
  // Cheat sheet
  title: "Keyboard shortcuts",
  groupPicture: "Picture",
  groupTools: "Tools",
  groupMask: "Mask",
  groupView: "View",
  groupRun: "Run and compare",
  groupKeys: "Drawing with the keyboard",
  single: "Single-key shortcuts",
  singleHint: "Turn off if they get in the way of a screen reader or voice input.",
  or: "or",
  moveCursor: "Move the crosshair over the picture",
  stampCursor: "Draw at the crosshair",
  panSpace: "Hold and drag to pan",
  panDrag: "drag",
  paste: "Paste a picture",
  cancelStroke: "Cancel the stroke",
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
    "Overpaint repaints the part of a picture that you mark, the way you describe it, and keeps every other pixel exactly as it was.",
  version: (version: string) => `Version ${version}`,
  privacyTitle: "What leaves this browser",
  privacySent:
    "When you press Repaint, the picture, the mask, the prompt and any references are sent to this server. This page sends them nowhere else.",
  privacyKept:
    "Pictures, masks and results are also saved in this browser, on this device, so that you can continue later. You can delete them in History.",
  privacyNone: "No trackers, no ads, no requests to other hosts.",
  marksTitle: "How results are labelled",
  marks: "Downloads record that part of the picture was made by AI, with the seed and the prompt.",
  source: "Open source, Apache License 2.0.",
  api: "API reference",
} as const;
