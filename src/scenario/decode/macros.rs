//! The two macros that declare the language.

/// The key of a Rust field name: without the `r#` of keywords.
pub(in crate::scenario) const fn key(name: &'static str) -> &'static str {
    match name.as_bytes() {
        [b'r', b'#', ..] => name.split_at(2).1,
        _ => name,
    }
}

/// Declares a table: `name: type = need`, where need is `Required`, `Optional` or `Or(&DEFAULT)`. Every field becomes
/// an `Option`; a field whose value was wrong is `None` and listed in `bad`.
///
/// The first word says how it takes part in `extends`: `plain` tables are complete where they stand, and if they are
/// inherited they merge key by key; `extending` ones are checked for missing keys after merging; `whole` ones are
/// replaced as a whole, because their keys belong together.
macro_rules! table {
    (@complete plain, $self:ident, $cx:ident) => {};
    (@complete whole, $self:ident, $cx:ident) => {};
    (@complete extending, $self:ident, $cx:ident) => { $self.missing($cx) };
    (@now plain, $self:ident, $cx:ident) => { $self.missing($cx) };
    (@now whole, $self:ident, $cx:ident) => { $self.missing($cx) };
    (@now extending, $self:ident, $cx:ident) => {};
    (@merge whole, $self:ident, $base:ident, $($field:ident)*) => { let _ = $base; };
    (@merge $how:ident, $self:ident, $base:ident, $($field:ident)*) => {
        $(
            let name = $crate::scenario::decode::macros::key(stringify!($field));
            match (&mut $self.$field, &$base.$field) {
                (Some(own), Some(base)) => $crate::scenario::decode::Decode::merge(own, base),
                (own @ None, Some(base)) if !$self.bad.contains(&name) => *own = Some(base.clone()),
                (None, None) if $base.bad.contains(&name) && !$self.bad.contains(&name) => $self.bad.push(name),
                _ => {}
            }
        )*
    };
    (@extends extending) => { true };
    (@extends $other:ident) => { false };
    (
        $how:ident
        $(#[doc = $doc:literal])*
        $raw:ident $name:literal {
            $( $(#[doc = $fdoc:literal])* $field:ident : $ty:ty = $need:expr ),* $(,)?
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug)]
        pub struct $raw {
            /// Where: its key, or the heading in a list.
            pub loc: $crate::scenario::diagnostic::Loc,
            /// Keys that were there with a wrong value.
            pub bad: Vec<&'static str>,
            $( $(#[doc = $fdoc])* pub $field: Option<$ty>, )*
        }

        impl $raw {
            /// The table without any key, where the file has none.
            #[allow(dead_code, reason = "not every table is optional")]
            pub fn empty(loc: $crate::scenario::diagnostic::Loc) -> $raw {
                $raw { loc, bad: Vec::new(), $($field: None),* }
            }

            #[allow(unused_imports, reason = "tables without defaults or required keys")]
            fn needs() -> Vec<$crate::scenario::decode::Need> {
                use $crate::scenario::decode::Need::{Optional, Or, Required};
                use $crate::scenario::defaults as d;
                vec![$($need),*]
            }

            /// Reports required keys that are missing.
            fn missing(&self, cx: &mut $crate::scenario::decode::Cx) {
                let needs = Self::needs();
                let mut i = 0;
                $(
                    let name = $crate::scenario::decode::macros::key(stringify!($field));
                    if self.$field.is_none()
                        && !self.bad.contains(&name)
                        && matches!(needs[i], $crate::scenario::decode::Need::Required)
                    {
                        cx.missing_key(self.loc, name, &<$ty as $crate::scenario::decode::Decode>::desc());
                    }
                    i += 1;
                )*
                let _ = i;
            }
        }

        impl $crate::scenario::decode::Decode for $raw {
            const BARE: bool = true;

            fn decode(
                value: &$crate::scenario::decode::Value<'_>,
                at: $crate::scenario::diagnostic::Loc,
                cx: &mut $crate::scenario::decode::Cx,
            ) -> Option<Self> {
                const KEYS: &[&str] = &[$($crate::scenario::decode::macros::key(stringify!($field))),*];
                let table = cx.table(value)?;
                let mut out = $raw::empty(at);
                for (key, value) in table {
                    let (name, loc) = (key.get_ref().as_ref(), $crate::scenario::diagnostic::Loc::new(key.span()));
                    $(
                        if name == $crate::scenario::decode::macros::key(stringify!($field)) {
                            out.$field = cx.within(name, |cx| {
                                <$ty as $crate::scenario::decode::Decode>::decode(value, loc, cx)
                            });
                            if out.$field.is_none() {
                                out.bad.push($crate::scenario::decode::macros::key(stringify!($field)));
                            }
                            continue;
                        }
                    )*
                    cx.unknown_key(loc, name, KEYS);
                }
                $crate::scenario::decode::macros::table!(@now $how, out, cx);
                Some(out)
            }

            fn merge(&mut self, base: &Self) {
                $crate::scenario::decode::macros::table!(@merge $how, self, base, $($field)*);
            }

            fn complete(&self, cx: &mut $crate::scenario::decode::Cx) {
                $crate::scenario::decode::macros::table!(@complete $how, self, cx);
                $(
                    if let Some(field) = &self.$field {
                        let name = $crate::scenario::decode::macros::key(stringify!($field));
                        cx.within(name, |cx| $crate::scenario::decode::Decode::complete(field, cx));
                    }
                )*
            }

            fn desc() -> $crate::scenario::decode::Desc {
                let mut needs = Self::needs().into_iter();
                $crate::scenario::decode::Desc::Table {
                    name: $name,
                    doc: $crate::scenario::decode::doc_text(&[$($doc),*]),
                    extends: $crate::scenario::decode::macros::table!(@extends $how),
                    fields: vec![$(
                        $crate::scenario::decode::FieldDesc {
                            name: $crate::scenario::decode::macros::key(stringify!($field)),
                            doc: $crate::scenario::decode::doc_text(&[$($fdoc),*]),
                            need: needs.next().expect("one per field"),
                            desc: <$ty as $crate::scenario::decode::Decode>::desc(),
                            check: |default| {
                                let _: $ty = $crate::scenario::validate::default_value(default);
                            },
                        }
                    ),*],
                }
            }
        }
    };
}

/// Declares one of several variants, each with a name, a Rust variant and its content. Written as a table with exactly
/// one key, or as a bare string for variants whose content may be empty. Replaced as a whole in `extends`; one that begins
/// with the word `merging` is merged key by key with an inherited one of the same variant.
macro_rules! choice {
    (@extend merging $raw:ident { $($variant:ident($key:literal))* }) => {
        fn merge(&mut self, base: &Self) {
            match (self, base) {
                $( (Self::$variant(own), Self::$variant(base)) => $crate::scenario::decode::Decode::merge(own, base), )*
                #[allow(unreachable_patterns, reason = "a choice with one variant")]
                _ => {}
            }
        }

        fn complete(&self, cx: &mut $crate::scenario::decode::Cx) {
            match self {
                $( Self::$variant(content) => {
                    cx.within($key, |cx| $crate::scenario::decode::Decode::complete(content, cx));
                } )*
            }
        }
    };
    (@extend replaced $raw:ident { $($variant:ident($key:literal))* }) => {};
    (
        merging
        $($declaration:tt)*
    ) => {
        $crate::scenario::decode::macros::choice! { @declare merging $($declaration)* }
    };
    (
        #
        $($declaration:tt)*
    ) => {
        $crate::scenario::decode::macros::choice! { @declare replaced # $($declaration)* }
    };
    (
        @declare $how:ident
        $(#[doc = $doc:literal])*
        $raw:ident $name:literal {
            $( $(#[doc = $vdoc:literal])* $key:literal => $variant:ident($ty:ty) ),* $(,)?
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug)]
        #[allow(dead_code, reason = "what an empty variant carries is its place, which few need")]
        #[allow(clippy::large_enum_variant, reason = "there are as many as a file has tables")]
        pub enum $raw {
            $( $(#[doc = $vdoc])* $variant($ty), )*
        }

        impl $crate::scenario::decode::Decode for $raw {
            fn decode(
                value: &$crate::scenario::decode::Value<'_>,
                _at: $crate::scenario::diagnostic::Loc,
                cx: &mut $crate::scenario::decode::Cx,
            ) -> Option<Self> {
                let (key, loc, content) = $crate::scenario::decode::one_key(value, $name, &[$($key),*], cx)?;
                $(
                    if key == $key {
                        return match content {
                            Some(content) => cx.within($key, |cx| {
                                <$ty as $crate::scenario::decode::Decode>::decode(content, loc, cx)
                            }),
                            None => $crate::scenario::decode::bare::<$ty>($key, loc, cx),
                        }
                        .map(Self::$variant);
                    }
                )*
                None
            }

            $crate::scenario::decode::macros::choice! { @extend $how $raw { $($variant($key))* } }

            fn desc() -> $crate::scenario::decode::Desc {
                $crate::scenario::decode::Desc::Choice {
                    name: $name,
                    doc: $crate::scenario::decode::doc_text(&[$($doc),*]),
                    variants: vec![$(
                        (
                            $key,
                            $crate::scenario::decode::doc_text(&[$($vdoc),*]),
                            <$ty as $crate::scenario::decode::Decode>::desc(),
                            <$ty as $crate::scenario::decode::Decode>::BARE,
                        )
                    ),*],
                }
            }
        }
    };
}

pub(in crate::scenario) use {choice, table};
