/**
 * @module Short everyday words of the six languages. Where only such words stand side by side, that they would spell
 * another word together is chance ("45 min or more"), and no more than a doubt.
 */
export const COMMON_WORDS: ReadonlySet<string> = new Set(
  [
    "a an and are as at be but by can do for from go has he her him his how i if in is it its just let man me men min my no not now of off on one or",
    "our out over own per pro she so some than that the their them then there they this to too top two up us use very was way we well who why will with you your",
    "set see sea sun art arm leg low high left right mid near next new old day all any red tan tea ten six",
    "au aux ce ces cet dans de des du elle en est et il la le les leur lui ma mais mes mon ne nos notre nous on ou par pas plus pour qu que qui sa sans se ses si",
    "son sont sous sur ta te tes ton tu un une vos votre vous y",
    "al como con del el ella ellas ellos es esta este hay las lo los mas mi mis muy ni nos para pero por sin su sus tan tus una uno unos ya yo",
    "am ab aus bei bin bis da das dem den der die du ein eine einem einen einer er es fur hat ich ihr im ins ist ja mit nach nur ob oder sein sich sie sind so um und uns vom von vor war was wie wir wo zu zum zur",
    "agli alla alle anche che chi ci col cui da dal dalla dei del della delle di dove e fra gli ha i il io lei li loro lui ma mia mio ne negli nel nella noi non per piu quel sei si sono su sua sui sul sulla suo tra tu un una uno vi voi",
    "ao aos as com da das do dos e ela ele em essa esse eu foi isso mais mas meu na nas nem nos num o os ou para pela pelo por que sem ser seu sua so tem um uma",
  ].flatMap((line) => line.split(" ")),
);
