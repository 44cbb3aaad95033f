/** They take turns: the policy of generation g masks with the g-th, so that a message shows which policy masked it. */
export const MASK_CHARACTERS = '*#+-=~^!';
