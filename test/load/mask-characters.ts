/** Generation g masks with the g-th character, so that a message shows which policy masked it. */
export const MASK_CHARACTERS = '*#+-=~^!';
