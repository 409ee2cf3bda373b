" Colours for entrack specs (.et). The lines of keywords are written by editors/keywords.py.
if exists("b:current_syntax")
  finish
endif

syn keyword entrackItem about alternate circuit claim desideratum discover entrack figure group include intervention mask measure model param seed table task vector
syn keyword entrackWord KL accuracy add against and any at attention attribution block by certified check clean coloured completeness confirm difference direct distinct draws elsewhere end entropy error every except for freeze fresh from heads highest in index keep layers lens like log logit loss lowest mean minimality mlps noise of on one out over overlap parts patch positions probability project prompts published racing random rank recovery redraw relative row sample scale score screen sd shuffle significant span steps strongest target to token tokens top up where whole with within zero
syn keyword entrackGiven logits nothing original
syn keyword entrackDeclaring nextgroup=entrackName skipwhite alternate circuit desideratum discover group intervention mask measure model param task vector
syn match entrackName "\<\h\w*" contained
syn match entrackCall "\.\@<!\<\h\w*\ze("
syn match entrackSite "\.\@<!\<\(mlp\|attention\|residual\|neuron\)\(\.\w\+\)\+"
syn match entrackMember "\.\h\w*"
syn match entrackNumber "\<\d\+\(\.\d\+\)\?\>"
syn match entrackOperator "->\|\.\.\|[=!<>]=\|[-+*/=<>]"
syn match entrackEscape "\\u{\x\{1,6}}\|\\.\|{{\|}}" contained
syn match entrackHole "{[^{}\"]*}" contained
syn region entrackString start=+"+ skip=+\\.+ end=+"+ oneline contains=entrackEscape,entrackHole
syn match entrackComment "#.*$"
syn region entrackBlock start="{" end="}" transparent fold

hi def link entrackDeclaring Statement
hi def link entrackItem Statement
hi def link entrackWord Keyword
hi def link entrackGiven Special
hi def link entrackName Identifier
hi def link entrackCall Function
hi def link entrackSite Constant
hi def link entrackNumber Number
hi def link entrackOperator Operator
hi def link entrackEscape SpecialChar
hi def link entrackHole Identifier
hi def link entrackString String
hi def link entrackComment Comment

let b:current_syntax = "entrack"
